namespace CertAuthority.Terminal;

/// <summary>Files that other programs read, replace or remove while we work with them.</summary>
public static class AtomicFile
{
    /// <summary>What a file holds; null where there is none. Asking first whether it is there would not do: another program can remove it in between.</summary>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Puts a file in place whole, or not at all: sshd shuts everybody out over half a revocation list.</summary>
    /// <param name="path">The file, replaced if it exists.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Its permissions from the first moment on.</param>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        var temporary = Temporary(path);
        try
        {
            using (var file = Create(temporary, mode))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>The same for content that is not there yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">Its permissions from the first moment on.</param>
    /// <param name="replace">Whether one that exists is replaced; else it is an error.</param>
    /// <param name="write">Writes all of it.</param>
    /// <exception cref="IOException">The path exists, or the disk refused.</exception>
    public static async Task Write(string path, UnixFileMode mode, bool replace, Func<Stream, Task> write)
    {
        var temporary = Temporary(path);
        try
        {
            await using (var file = Create(temporary, mode))
            {
                await write(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, replace);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static string Temporary(string path) => $"{path}.{Guid.NewGuid():n}";

    private static FileStream Create(string path, UnixFileMode mode) =>
        new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode });
}
