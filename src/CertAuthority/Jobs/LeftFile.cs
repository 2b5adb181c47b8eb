using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>A file that a host left: a text, and the signature of <c>ssh-keygen -Y sign</c> over it.</summary>
/// <param name="Text">The text.</param>
/// <param name="Signature">The signature, which is not verified; null if there is none, or if it is malformed.</param>
internal sealed record LeftFile(string Text, SshSignatureReader? Signature)
{
    /// <summary>
    /// Returns when a file was changed, to see whether it is another one than before. Whoever left it can give it any time, also one that
    /// cannot be expressed: those are all the same one.
    /// </summary>
    public static DateTime Changed(FileInfo file)
    {
        try
        {
            return file.LastWriteTimeUtc;
        }
        catch (ArgumentOutOfRangeException)
        {
            return DateTime.MaxValue;
        }
    }

    /// <summary>
    /// Reads a file and judges it. Others can write where it lies, so whatever is wrong with it is its own fault: it stops no other file,
    /// and no loop.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="judge">Returns why the file does not count; null if it does, or is nothing new.</param>
    /// <returns>Why it does not count.</returns>
    public static async Task<string?> Take(FileInfo file, Func<LeftFile, Task<string?>> judge)
    {
        try
        {
            return Read(file.FullName, HostReport.MostBytes) is { } left ? await judge(left) : "it is no ordinary file, or too large";
        }
        catch (ProblemException refused) when (refused.Problem.Code is not ProblemCode.Unavailable)
        {
            return refused.Problem.Detail;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "it cannot be read";
        }
        // Whatever else it is, the file brought it about; but not what the database and the end of the daemon say.
        catch (Exception e) when (e is not (OperationCanceledException or OutcomeUnknownException or ProblemException or StoreException))
        {
            return e.Message;
        }
    }

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
