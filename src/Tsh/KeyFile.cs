using CertAuthority.OpenSsh;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Reads files that people name on the command line, which can have any content.</summary>
internal static class KeyFile
{
    // A certificate is smaller than 8 KB, an RSA key of 8192 bits smaller than 2 KB.
    private const int MaxLength = 16 * 1024;

    /// <summary>Reads the public key in a file.</summary>
    /// <exception cref="FailureException">The file does not exist, or does not contain a key that can be certified.</exception>
    public static PublicKey PublicKey(string path)
    {
        try
        {
            return OpenSsh.PublicKey.ParseLine(ReadLine(path));
        }
        catch (SshFormatException malformed)
        {
            throw new FailureException(
                $"{path} cannot be certified: {malformed.Message}", "--key takes a public key, such as ~/.ssh/id_ed25519.pub");
        }
    }

    /// <summary>Reads the certificate in a file, whoever signed it.</summary>
    /// <exception cref="SshFormatException">The file contains something else.</exception>
    public static CertificateOutline Certificate(string path) => CertificateOutline.ParseLine(ReadLine(path));

    /// <summary>
    /// Returns whether the private key is in a security key that signs without a touch. Only the file shows that, and only without a
    /// passphrase; sshd refuses such signatures, and a permission in the certificate would count only if the host's own list of principals
    /// repeats it.
    /// </summary>
    /// <param name="path">The path of the private key, or of whatever is there instead.</param>
    public static bool SignsWithoutTouch(string path)
    {
        const string begin = "-----BEGIN OPENSSH PRIVATE KEY-----", end = "-----END OPENSSH PRIVATE KEY-----";
        try
        {
            if (!File.Exists(path) || Read(path).ReplaceLineEndings("").Trim() is not { } text
                || !text.StartsWith(begin, StringComparison.Ordinal) || !text.EndsWith(end, StringComparison.Ordinal))
                return false;
            // PROTOCOL.key and PROTOCOL.u2f of OpenSSH.
            var file = new WireReader(Convert.FromBase64String(text[begin.Length..^end.Length]));
            file.Raw("openssh-key-v1\0"u8.Length, "magic");
            if (file.Name("cipher") != "none")
                return false;
            file.String("kdf");
            file.String("kdf options");
            file.UInt32("number of keys");
            file.String("public key");
            var key = file.Nested("private key");
            key.UInt64("checks");
            var strings = key.Name("type") switch { "sk-ssh-ed25519@openssh.com" => 2, "sk-ecdsa-sha2-nistp256@openssh.com" => 3, _ => 0 };
            for (var i = 0; i < strings; i++)
                key.String("public key");
            const byte touch = 1; // SSH_SK_USER_PRESENCE_REQD
            return strings > 0 && (key.Byte("flags") & touch) == 0;
        }
        catch (Exception unknown) when (unknown is SshFormatException or FormatException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // ssh-keygen also skips empty lines and comments.
    private static string ReadLine(string path) =>
        string.Join('\n', Read(path).Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.Trim() is not ("" or ['#', ..])));

    /// <summary>Reads the content of a file, up to the size of keys and certificates.</summary>
    private static string Read(string path)
    {
        if (Directory.Exists(path))
            throw new FailureException($"{path} is a directory");
        if (!File.Exists(path))
            throw new FailureException($"{path} does not exist");
        using var file = new StreamReader(path);
        var text = new char[MaxLength + 1];
        var length = file.ReadBlock(text);
        return length <= MaxLength ? new string(text, 0, length) : throw new SshFormatException("it is longer than any key");
    }
}
