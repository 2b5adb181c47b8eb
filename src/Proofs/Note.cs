using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace CertAuthority.Proofs;

/// <summary>
/// A text with a signature by one Ed25519 key, in the form of C2SP <c>signed-note</c>. This class only lays out the bytes; it neither signs
/// nor verifies.
/// </summary>
/// <param name="Text">The text that is signed; it ends with a line ending.</param>
/// <param name="Name">The name of the key.</param>
/// <param name="KeyId">The first bytes of a hash of the name and the key.</param>
/// <param name="Signature">The signature over the text: 64 bytes.</param>
public sealed record Note(string Text, string Name, uint KeyId, byte[] Signature)
{
    // The type of a key and a signature.
    private const byte Ed25519 = 1;
    private const int SignatureLength = 64;

    /// <summary>Returns the ID of a key.</summary>
    public static uint IdOf(string name, ReadOnlySpan<byte> publicKey) =>
        BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. Encoding.UTF8.GetBytes($"{name}\n"), Ed25519, .. publicKey]));

    /// <summary>Returns a key in the form in which tools for such notes take it.</summary>
    public static string VerifierKey(string name, ReadOnlySpan<byte> publicKey) =>
        $"{name}+{IdOf(name, publicKey):x8}+{Convert.ToBase64String([Ed25519, .. publicKey])}";

    /// <summary>Reads a note with one signature.</summary>
    /// <returns>Null if it is not one.</returns>
    public static Note? Parse(string note)
    {
        const string dash = "\n\n— ";
        var end = note.LastIndexOf(dash, StringComparison.Ordinal);
        if (end < 0 || note[(end + dash.Length)..].Split(' ') is not [{ Length: > 0 } name, var encoded] || !encoded.EndsWith('\n'))
            return null;
        Span<byte> bytes = stackalloc byte[sizeof(uint) + SignatureLength];
        if (!Convert.TryFromBase64String(encoded[..^1], bytes, out var length) || length != bytes.Length)
            return null;
        var read = new Note(note[..(end + 1)], name, BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[sizeof(uint)..].ToArray());
        return $"{read}" == note ? read : null;
    }

    /// <summary>The note: the text, an empty line, and a line with the signature.</summary>
    public override string ToString()
    {
        var bytes = new byte[sizeof(uint) + SignatureLength];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, KeyId);
        Signature.CopyTo(bytes, sizeof(uint));
        return $"{Text}\n— {Name} {Convert.ToBase64String(bytes)}\n";
    }
}
