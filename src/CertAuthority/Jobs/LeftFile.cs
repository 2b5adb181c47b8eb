using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Jobs;

/// <summary>A file that a host left: a text, and the signature of <c>ssh-keygen -Y sign</c> over it.</summary>
/// <param name="Text">The text.</param>
/// <param name="Signature">The signature, which is not verified; null if there is none, or if it is malformed.</param>
internal sealed record LeftFile(string Text, SshSignatureReader? Signature)
{
    /// <summary>Reads a file.</summary>
    /// <returns>Null if it is no ordinary file, or larger than <paramref name="most"/> bytes.</returns>
    /// <exception cref="UnauthorizedAccessException">This account may not read it.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static LeftFile? Read(string file, int most)
    {
        if (OrdinaryFile.Read(file, most) is not { } content)
            return null;
        var whole = Encoding.Latin1.GetString(content);
        var end = whole.IndexOf(SshSignature.Begin, StringComparison.Ordinal);
        try
        {
            return end < 0 ? new LeftFile(whole, null) : new LeftFile(whole[..end], SshSignatureReader.Parse(whole[end..]));
        }
        catch (SshFormatException)
        {
            return new LeftFile(whole, null);
        }
    }

    /// <summary>The bytes that were signed.</summary>
    public byte[] Signed => Encoding.Latin1.GetBytes(Text);
}
