/// The version of this build; both programs and both packages carry the same.
public enum Release {
    public static let version = "0.1.0"
}
