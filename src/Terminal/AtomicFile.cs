namespace CertAuthority.Terminal;

/// <summary>Files that others read while we write.</summary>
public static class AtomicFile
{
    /// <summary>Puts a file in place whole, or not at all: sshd shuts everybody out over half a revocation list.</summary>
    /// <param name="path">The file, replaced if it exists.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Its permissions from the first moment on.</param>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        var temporary = $"{path}.{Guid.NewGuid():n}";
        try
        {
            using (var file = new FileStream(temporary, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode,
            }))
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
}
