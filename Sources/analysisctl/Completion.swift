// `analysisctl completion`: what makes a shell complete its commands and flags.

import ArgumentParser

struct Completion: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints what makes a shell complete commands and flags.",
        discussion: "For bash: source <(analysisctl completion bash).")

    @Argument(help: "bash, zsh or fish.") var shell: Shell

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    func run() {
        let shell: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        print(AnalysisCtl.completionScript(for: shell))
    }
}
