import Configuration
import Reactor
import Synchronization

/// Looks for approvals that commands left, once a second, and has the service carry them out.
final class ApprovalWatch: Sendable {
    private let service: any ClientService
    private let files: ThreadPool
    private let folders: Mutex<[(upstream: String, requests: ApprovalRequests)]>
    private let isStopped = Atomic<Bool>(false)

    init(_ service: any ClientService, _ files: ThreadPool, _ configuration: Configuration) {
        self.service = service
        self.files = files
        self.folders = Mutex(ApprovalWatch.folders(configuration))
    }

    /// Looks for the upstreams of another configuration from now on.
    func apply(_ configuration: Configuration) {
        folders.withLock { $0 = ApprovalWatch.folders(configuration) }
    }

    func start(on loop: EventLoop) {
        loop.spawn { [self] in
            while !isStopped.load(ordering: .acquiring) {
                await carryOut()
                await EventLoop.current.sleep(for: .seconds(1))
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
    }

    private func carryOut() async {
        for (upstream, requests) in folders.withLock({ $0 }) {
            for request in await files.run({ requests.all() }) {
                await service.approve(request, upstream: upstream)
                await files.run { requests.remove(request) }
            }
        }
    }

    private static func folders(_ configuration: Configuration) -> [(upstream: String, requests: ApprovalRequests)] {
        configuration.upstreams.map { ($0.name, ApprovalRequests(folder: configuration.approvalFolder(of: $0))) }
    }
}
