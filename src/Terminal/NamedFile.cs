namespace CertAuthority.Terminal;

/// <summary>Reads files that the user names, and says in one way what keeps it from that.</summary>
public static class NamedFile
{
    /// <summary>Opens a file to read it.</summary>
    /// <exception cref="FailureException">It cannot be read.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new FailureException($"{path} cannot be read: it is a directory", "name a file in it");
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FailureException(
                $"{path} cannot be read: there is no such file",
                Path.IsPathRooted(path) ? "check the name" : $"check the name; it is looked for in {Environment.CurrentDirectory}");
        }
        catch (UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be read: permission denied", "run the command as an account that may read it");
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            throw new FailureException($"{path} cannot be read: {e.Message}", "check the name");
        }
    }

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="FailureException">It cannot be read.</exception>
    public static async Task<byte[]> Bytes(string path, CancellationToken cancellation)
    {
        await using var file = Open(path);
        using var content = new MemoryStream();
        await file.CopyToAsync(content, cancellation);
        return content.ToArray();
    }

    /// <summary>Reads a whole file as text.</summary>
    /// <exception cref="FailureException">It cannot be read.</exception>
    public static async Task<string> Text(string path, CancellationToken cancellation)
    {
        using var reader = new StreamReader(Open(path));
        return await reader.ReadToEndAsync(cancellation);
    }
}
