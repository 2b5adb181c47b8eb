using CertAuthority.OpenSsh;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Files that people name on the command line, and that may be anything.</summary>
internal static class KeyFile
{
    // A certificate stays below 8 KB, an RSA key of 8192 bits below 2.
    private const int MaxLength = 16 * 1024;

    /// <summary>The public key in a file.</summary>
    /// <exception cref="FailureException">It is not a key that can be certified, or there is none.</exception>
    public static PublicKey PublicKey(string path)
    {
        try
        {
            return OpenSsh.PublicKey.ParseLine(Read(path));
        }
        catch (SshFormatException malformed)
        {
            throw new FailureException($"{path} can not be certified: {malformed.Message}", "--key takes a public key, such as ~/.ssh/id_ed25519.pub");
        }
    }

    /// <summary>What is in a file, as far as keys and certificates go.</summary>
    public static string Read(string path)
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
