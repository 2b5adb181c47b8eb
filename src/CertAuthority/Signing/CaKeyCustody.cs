using CertAuthority.Configuration;
using CertAuthority.Keys;

namespace CertAuthority.Signing;

/// <summary>Opens a CA key where the configuration says that it is.</summary>
internal static class CaKeyCustody
{
    /// <summary>Opens the key.</summary>
    /// <param name="custody">Where it is.</param>
    /// <param name="path">The path of its file, or of the one that it would have.</param>
    /// <param name="signs">What it signs.</param>
    /// <param name="type">The type of a key that is created because there is none.</param>
    /// <exception cref="CaKeyException">It cannot be used; the message says what to do.</exception>
    internal static async Task<CaKey> Open(KeyCustody custody, string path, CaPurpose signs, CaKeyType type)
    {
        switch (custody)
        {
            case KeyCustody.InAgent agent:
                var key = await AgentCaKey.Open(agent, signs);
                try
                {
                    KeyFile.ExpectPublicOnly(path, key.PublicKey, signs.Title());
                    return key;
                }
                catch
                {
                    key.Dispose();
                    throw;
                }
            case KeyCustody.InEncryptedFile file:
                return FileCaKey.OpenEncrypted(path, signs, file.Credential);
            default:
                return FileCaKey.LoadOrCreate(path, signs, type);
        }
    }
}
