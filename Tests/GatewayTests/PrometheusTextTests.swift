// What processes have measured, in Prometheus' text format.

import AnalysisAPI
import Testing

@testable import Gateway

@Suite struct PrometheusTextTests {
    private func counter(_ name: String, _ value: Double, _ labels: [MetricLabel] = []) -> MetricFamily {
        MetricFamily(
            name: name, help: "Things.", type: .counter, series: [MetricSeries(labels: labels, value: value)])
    }

    @Test func familyOfSeveralProcessesStandsOnceWithTheirLabels() {
        let text = PrometheusText.text(of: [
            ProcessMetrics(process: "queue-service", id: "host:1", families: [counter("things_total", 3)]),
            ProcessMetrics(
                process: "analysis-worker", id: "host:2",
                families: [counter("things_total", 0.5, [MetricLabel(name: "kind", value: "b")])]),
        ])
        #expect(
            text == """
                # HELP things_total Things.
                # TYPE things_total counter
                things_total{process="queue-service",id="host:1"} 3
                things_total{process="analysis-worker",id="host:2",kind="b"} 0.5

                """)
    }

    @Test func bucketsOfAHistogramAddUp() {
        let family = MetricFamily(
            name: "took_seconds", help: "How long.", type: .histogram, bounds: [0.5, 1],
            series: [MetricSeries(value: 62.5, buckets: [2, 0, 1])])
        #expect(
            PrometheusText.text(of: [ProcessMetrics(families: [family])]) == """
                # HELP took_seconds How long.
                # TYPE took_seconds histogram
                took_seconds_bucket{le="0.5"} 2
                took_seconds_bucket{le="1"} 2
                took_seconds_bucket{le="+Inf"} 3
                took_seconds_sum 62.5
                took_seconds_count 3

                """)
    }

    @Test func whatWouldEndALabelIsEscaped() {
        let family = counter("things_total", 1, [MetricLabel(name: "what", value: "a \"b\"\\c\nd")])
        #expect(
            PrometheusText.text(of: [ProcessMetrics(families: [family])]).contains(
                #"things_total{what="a \"b\"\\c\nd"} 1"#))
    }

    @Test func namesThatAreNoneAreLeftOut() {
        let text = PrometheusText.text(of: [
            ProcessMetrics(families: [
                counter("things total", 1), counter("a{b", 1),
                counter("good_total", 1, [MetricLabel(name: "c d", value: "e")]),
            ])
        ])
        #expect(text == "# HELP good_total Things.\n# TYPE good_total counter\ngood_total 1\n")
    }

    @Test func familyHasOneTypeWhateverAnotherProcessSays() {
        let gauge = MetricFamily(name: "things_total", help: "", type: .gauge, series: [MetricSeries(value: 9)])
        let text = PrometheusText.text(of: [
            ProcessMetrics(families: [counter("things_total", 1)]), ProcessMetrics(families: [gauge]),
        ])
        #expect(text.hasSuffix("# TYPE things_total counter\nthings_total 1\n"))
    }
}
