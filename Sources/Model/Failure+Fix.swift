extension Failure {
    /// What to type next where several places say the same.
    public enum Fix {
        /// Coordinator and agent do not understand each other.
        public static let sameVersions =
            "install the coordinator's version of jeeves-agent on the node"

        /// Something in the state folder is damaged or missing.
        public static let restore =
            "restore your last backup into an empty folder: `jeeves restore FILE --into FOLDER`"

        /// A machine that people reach has no address.
        public static let publicAddress = "run `jeeves up`: Terraform gives it one"

        /// Another coordinator has begun since.
        public static let afterTheOther = "wait for it to end, then run `jeeves up` to go on"
    }
}
