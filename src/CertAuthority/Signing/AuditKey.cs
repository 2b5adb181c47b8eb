using System.Security.Cryptography;
using System.Text;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Proofs;

namespace CertAuthority.Signing;

/// <summary>A checkpoint of the audit with its two signatures.</summary>
/// <param name="Checkpoint">The checkpoint.</param>
/// <param name="Note">The checkpoint as a signed note, for the tools of transparency logs.</param>
/// <param name="Signature">The signature of the whole note, for <c>ssh-keygen -Y verify</c>.</param>
internal sealed record SignedCheckpoint(Checkpoint Checkpoint, string Note, string Signature);

/// <summary>
/// The key that signs checkpoints of the audit, the manifests of revocation lists and the groups of hosts that fetch, each for a namespace
/// of its own. It is no CA key:
/// whoever steals it can log in nowhere, and whoever steals a CA key cannot sign another history.
/// </summary>
internal sealed class AuditKey : IDisposable
{
    /// <summary>The namespace of the signatures.</summary>
    public const string Purpose = "certauthority-audit-checkpoint";

    /// <summary>The name of the key's file.</summary>
    public const string FileName = "audit_key";

    /// <summary>What messages call the key.</summary>
    public const string Title = "audit key";

    private readonly PrivateKey key;
    private readonly Ed25519PublicKey publicKey;

    private AuditKey(PrivateKey key, Ed25519PublicKey publicKey) => (this.key, this.publicKey) = (key, publicKey);

    /// <summary>Whether the key was just created, so that it has signed nothing.</summary>
    public bool IsNew { get; private init; }

    /// <summary>The public half.</summary>
    public SignatureKey PublicKey => publicKey;

    /// <summary>Loads the key, or creates it at the first start.</summary>
    /// <exception cref="CaKeyException">The key cannot be used, or is not of the type ed25519.</exception>
    public static AuditKey LoadOrCreate(string path)
    {
        var (key, isNew) = KeyFile.LoadOrCreate(path, Title, CaKeyType.Ed25519);
        if (key.PublicKey is Ed25519PublicKey publicKey)
            return new AuditKey(key, publicKey) { IsNew = isNew };
        key.Dispose();
        throw new CaKeyException($"{path} is a {key.PublicKey.Type} key; checkpoints of the audit are signed by an ed25519 key");
    }

    /// <summary>Signs a checkpoint.</summary>
    /// <exception cref="CryptographicException">The key made a signature that its public key does not verify.</exception>
    public SignedCheckpoint Sign(Checkpoint checkpoint)
    {
        var note = new Note(
            checkpoint.Text, checkpoint.Origin, Note.IdOf(checkpoint.Origin, publicKey.Pk), Made(Encoding.UTF8.GetBytes(checkpoint.Text)));
        var text = note.ToString();
        return new SignedCheckpoint(checkpoint, text, Sign(Purpose, Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Signs a message as <c>ssh-keygen -Y sign</c> does.</summary>
    /// <param name="purpose">The namespace: what the signature is for. A verifier accepts it for nothing else.</param>
    /// <param name="message">The message.</param>
    /// <returns>The content of the signature's file.</returns>
    /// <exception cref="CryptographicException">The key made a signature that its public key does not verify.</exception>
    public string Sign(string purpose, ReadOnlySpan<byte> message) =>
        SshSignature.ToFile(publicKey, purpose, publicKey.Type, Made(SshSignature.ToBeSigned(purpose, message)));

    /// <summary>Returns a text with its signature behind it, in one file, so that no cache can mix two of them.</summary>
    /// <param name="purpose">The namespace of the signature.</param>
    /// <param name="text">The text: ASCII, which ends with a line feed.</param>
    /// <exception cref="CryptographicException">The key made a signature that its public key does not verify.</exception>
    public byte[] SignedFile(string purpose, string text) => Encoding.ASCII.GetBytes(text + Sign(purpose, Encoding.ASCII.GetBytes(text)));

    /// <summary>Returns the text in such a file.</summary>
    /// <param name="purpose">The namespace of the signature.</param>
    /// <param name="file">The file.</param>
    /// <returns>Null if the file is malformed, or this key did not sign it for this purpose.</returns>
    public string? TextOf(string purpose, ReadOnlySpan<byte> file)
    {
        var all = Encoding.Latin1.GetString(file);
        var end = all.IndexOf(SshSignature.Begin, StringComparison.Ordinal);
        if (end < 0)
            return null;
        try
        {
            var signature = SshSignatureReader.Parse(all[end..]);
            return signature.Armored == all[end..] && signature.Key == publicKey
                && MessageSignature.Fault(signature, purpose, file[..end]) is null ? all[..end] : null;
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    /// <summary>Reads a checkpoint that this key signed.</summary>
    /// <returns>Null if it is malformed, or another key signed it.</returns>
    public Checkpoint? Read(string note) =>
        Note.Parse(note) is { } read && Checkpoint.Parse(read.Text) is { } checkpoint && read.Name == checkpoint.Origin
        && read.KeyId == Note.IdOf(read.Name, publicKey.Pk)
        && Signature.Verifies(publicKey, Encoding.UTF8.GetBytes(read.Text), publicKey.Type, read.Signature)
            ? checkpoint
            : null;

    /// <summary>Returns the public half in the form that the tools of transparency logs take.</summary>
    public string VerifierKey(string origin) => Note.VerifierKey(origin, publicKey.Pk);

    public void Dispose() => key.Dispose();

    private byte[] Made(byte[] data)
    {
        var (algorithm, blob) = key.Sign(data);
        return key.Made(data, algorithm, blob)
            ? blob
            : throw new CryptographicException("the audit key made a signature that does not verify");
    }
}
