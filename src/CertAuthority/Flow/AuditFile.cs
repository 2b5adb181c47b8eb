using System.Buffers.Text;
using CertAuthority.Linux;
using CertAuthority.Store;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Flow;

/// <summary>
/// A file with a line of JSON for each entry, for programs that ship logs. It is only ever appended to. Its last complete line says how far
/// it is: so nothing is missing or twice in it, whatever ended the daemon, and a line that a crash or a full disk cut is completed. Whoever
/// rotates it renames it, and the daemon makes the next one.
/// </summary>
/// <param name="path">Its absolute path.</param>
/// <param name="find">Finds the entry with a number; null if there is none.</param>
internal sealed class AuditFile(string path, Func<long, StoredEntry?> find) : AuditSink("file")
{
    /// <summary>Mode 0640: the group of the daemon can read it.</summary>
    public const UnixFileMode Mode = AtomicFile.OwnerOnly | UnixFileMode.GroupRead;

    // Many times the longest line.
    private const int LongestEnd = 1 << 20;

    private static readonly byte[] LineEnd = "\n"u8.ToArray();

    private SafeFileHandle? file;
    private FileStatus identity;

    public override SinkMark Begin(SinkMark mark)
    {
        if (file is not null)
        {
            if (identity.IsSameFileAs(FileStatus.Read(path)))
                return mark;
            // It was renamed or removed. What it got is known.
            Flush();
            Abandon();
        }
        else if (mark.File is not null && Known(mark.File) is { } known)
        {
            mark = mark with { Position = Complete(known, mark.Position) };
            if (known == path)
            {
                Open();
                return mark;
            }
        }
        Open();
        EndLine();
        return mark with { File = Text(identity) };
    }

    public override Task<int> Send(IReadOnlyList<StoredEntry> entries, CancellationToken stopping)
    {
        Append(file!, [.. entries.SelectMany(entry => (byte[])[.. entry.Line(), .. LineEnd])]);
        return Task.FromResult(entries.Count);
    }

    public override void Flush()
    {
        if (file is not null)
            RandomAccess.FlushToDisk(file);
    }

    public override void Abandon()
    {
        file?.Dispose();
        file = null;
    }

    /// <summary>Opens the file, or makes it, and lets nobody else decide what is written where.</summary>
    /// <exception cref="ExposedException">Others can write to it or above it, or it is a link.</exception>
    private void Open()
    {
        if (TrustedPath.Fault(path) is { } fault)
            throw new ExposedException(fault);
        OwnFile.ExpectOwn(path);
        // Whoever rotates it may rename it at any moment, and then there is a new one to open.
        for (var tries = 1; ; tries++)
        {
            file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            identity = FileStatus.Read(file);
            if (RandomAccess.GetLength(file) == 0)
            {
                // The umask of a service leaves nothing to the group.
                File.SetUnixFileMode(file, Mode);
                AtomicFile.FlushDirectory(Path.GetDirectoryName(path)!);
            }
            if (identity.IsSameFileAs(FileStatus.Read(path)))
                return;
            if (tries == 3)
                throw new IOException($"{path} was replaced meanwhile");
            file.Dispose();
        }
    }

    /// <summary>Sees to it that what comes next has a line of its own, in a file that was there before, as after a restore.</summary>
    private void EndLine()
    {
        if (End(file!).Torn.Length > 0)
            Append(file!, LineEnd);
    }

    /// <summary>Finds the file with an identity: the file itself, or what it was renamed to, which begins with its name.</summary>
    private string? Known(string text) =>
        Directory.EnumerateFiles(Path.GetDirectoryName(path)!, $"{Path.GetFileName(path)}*").Prepend(path).FirstOrDefault(
            one => FileStatus.Read(one) is { IsRegular: true } status && Text(status) == text);

    /// <summary>Completes the last line of a file that the daemon wrote before, and returns how far it is.</summary>
    private long Complete(string known, long position)
    {
        OwnFile.ExpectOwn(known);
        using var before = File.OpenHandle(known, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var (last, torn) = End(before);
        position = last ?? position;
        if (torn.Length == 0)
            return position;
        // Anything else than the beginning of the next line came from a disk that failed; it stays, on a line of its own.
        if (find(position + 1)?.Line() is { } line && line.AsSpan().StartsWith(torn))
        {
            Append(before, [.. line.AsSpan(torn.Length), .. LineEnd]);
            position++;
        }
        else
            Append(before, LineEnd);
        RandomAccess.FlushToDisk(before);
        return position;
    }

    /// <summary>Reads the number in the last complete line, if it has one, and what follows it.</summary>
    private static (long? Last, byte[] Torn) End(SafeFileHandle file)
    {
        var length = RandomAccess.GetLength(file);
        var end = new byte[Math.Min(length, LongestEnd)];
        var read = RandomAccess.Read(file, end, length - end.Length);
        var text = end.AsSpan(0, read);
        var lineEnd = text.LastIndexOf((byte)'\n');
        if (lineEnd < 0)
            return (null, text.ToArray());
        var line = text[(text[..lineEnd].LastIndexOf((byte)'\n') + 1)..lineEnd];
        var begin = "{\"seq\":"u8;
        return (line.StartsWith(begin) && Utf8Parser.TryParse(line[begin.Length..], out long last, out _) ? last : null,
            text[(lineEnd + 1)..].ToArray());
    }

    private static void Append(SafeFileHandle to, ReadOnlySpan<byte> bytes) => RandomAccess.Write(to, bytes, RandomAccess.GetLength(to));

    private static string Text(FileStatus status) => $"{status.Device.Major}:{status.Device.Minor}:{status.Inode}";
}
