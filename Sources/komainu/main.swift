import Commands
import System

CurrentProcess.exit(Komainu.run(Array(CommandLine.arguments.dropFirst())).rawValue)
