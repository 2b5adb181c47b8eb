using System.Collections.Immutable;
using System.Text;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>
/// The file of CA keys that are trusted besides the one that signs: a public key on each line, as in an <c>authorized_keys</c> file without
/// options. It lies beside the key that signs: <c>user_ca_trusted.pub</c> beside <c>user_ca</c>.
/// </summary>
internal static class TrustedKeysFile
{
    /// <summary>Reads the file; none means that no other key is trusted.</summary>
    /// <param name="path">The path of the file.</param>
    /// <exception cref="CaKeyException">A line is not the public key of a CA, or somebody else can write to the file.</exception>
    public static ImmutableArray<SignatureKey> Read(string path)
    {
        try
        {
            OwnFile.ExpectOwn(path);
            return File.Exists(path)
                ? [
                    .. File.ReadLines(path, Encoding.UTF8).Index().Where(line => IsKey(line.Item))
                        .Select(line => Key(line.Index + 1, line.Item)),
                ]
                : [];
        }
        catch (ExposedException exposed)
        {
            throw new CaKeyException(exposed.Message);
        }

        SignatureKey Key(int number, string line)
        {
            try
            {
                return SignatureKey.Parse(PublicKey.ParseLine(line).ToBlob());
            }
            catch (SshFormatException malformed)
            {
                throw new CaKeyException(
                    $"{path}:{number}: {malformed.Message}; each line must be the public key of a trusted CA, as in a .pub file");
            }
        }
    }

    private static bool IsKey(string line) => line.TrimStart() is [not '#', ..];
}
