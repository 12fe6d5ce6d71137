import Commands

/// The program `jeeves`: nothing but its commands.
@main
enum Main {
    static func main() async { await JeevesCommand.main() }
}
