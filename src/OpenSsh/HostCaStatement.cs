namespace CertAuthority.OpenSsh;

/// <summary>
/// What a host CA key says of the key that takes over: a text, and the old key's signature over it, in one file.
/// <c>ssh-keygen -Y verify</c> verifies the signature; this class checks everything else.
/// </summary>
public sealed class HostCaStatement
{
    /// <summary>The namespace of the signature: no signature for anything else is a statement.</summary>
    public const string Purpose = "certauthority-host-ca";

    private HostCaStatement(string installation, SignatureKey old, SignatureKey next, SshSignatureReader signature) =>
        (Installation, Old, Next, Signature) = (installation, old, next, signature);

    /// <summary>The installation whose keys they are, in sixteen hexadecimal digits.</summary>
    public string Installation { get; }

    /// <summary>The key that makes the statement.</summary>
    public SignatureKey Old { get; }

    /// <summary>The key that it believes.</summary>
    public SignatureKey Next { get; }

    /// <summary>The signature, which names the old key as its own.</summary>
    public SshSignatureReader Signature { get; }

    /// <summary>The text that is signed.</summary>
    public string Text => TextOf(Installation, Old, Next);

    /// <summary>Returns the text of a statement.</summary>
    public static string TextOf(string installation, SignatureKey old, SignatureKey next) =>
        $"{Purpose} v1\ninstallation {installation}\nold {old}\nnext {next}\n";

    /// <summary>Reads a statement, which has one form only.</summary>
    /// <exception cref="SshFormatException">
    /// It is malformed, or its signature is by another key, or for another namespace. Whether the signature fits is for others to verify.
    /// </exception>
    public static HostCaStatement Parse(string file)
    {
        var end = file.IndexOf(SshSignature.Begin, StringComparison.Ordinal);
        if (end < 0)
            throw new SshFormatException("it has no signature");
        if (file[..end].Split('\n') is not [_, var installation, var old, var next, ""])
            throw new SshFormatException("it has not four lines before its signature");
        var signature = SshSignatureReader.Parse(file[end..]);
        var statement = new HostCaStatement(
            Value(installation, "installation "), KeyOf(Value(old, "old ")), KeyOf(Value(next, "next ")), signature);
        if (statement.Text != file[..end] || signature.Armored != file[end..])
            throw new SshFormatException("it is not in the form of a statement");
        if (statement.Installation.Length != 16 || !statement.Installation.All(char.IsAsciiHexDigitLower))
            throw new SshFormatException("it names no installation");
        if (signature.Namespace != Purpose)
            throw new SshFormatException($"its signature is for {signature.Namespace}, not for {Purpose}");
        if (signature.Key != statement.Old)
            throw new SshFormatException("another key than the old one signed it");
        if (statement.Old == statement.Next)
            throw new SshFormatException("it says of a key that it takes over from itself");
        return statement;
    }

    private static string Value(string line, string name) =>
        line.StartsWith(name, StringComparison.Ordinal)
            ? line[name.Length..]
            : throw new SshFormatException($"it has no line {name.Trim()}");

    private static SignatureKey KeyOf(string line) =>
        PublicKey.ParseLine(line) as SignatureKey ?? throw new SshFormatException("a security key signs no certificates");
}
