enum AnalysisAPISkeleton {}
