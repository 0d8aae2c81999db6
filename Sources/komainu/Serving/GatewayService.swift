/// The gateway behind the listeners.
func makeGatewayService(
    _ ground: ServiceGround, _ loaded: LoadedConfiguration
) throws(ProgramFailure) -> any ClientService {
    throw ProgramFailure("this build has no gateway yet")
}
