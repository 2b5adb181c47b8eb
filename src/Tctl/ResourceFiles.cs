using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Reads files with resources.</summary>
internal static class ResourceFiles
{
    // The largest file that the daemon accepts.
    private const int Largest = 1 << 20;

    /// <summary>Reads files, the files of folders, and standard input for <c>-</c>; at least one.</summary>
    /// <exception cref="FailureException">A folder has no such file, or a file is too large.</exception>
    public static async Task<List<ResourceFile>> Read(IEnumerable<string> names, CancellationToken cancellation)
    {
        var read = new List<ResourceFile>();
        foreach (var name in names.SelectMany(Files))
        {
            await using Stream source = name == "-" ? StandardStream.Input() : NamedFile.Open(name);
            read.Add(await Read(source, name == "-" ? "stdin" : name, cancellation));
        }
        return read;
    }

    // In the order of their names, whatever the language of the user.
    private static IEnumerable<string> Files(string name)
    {
        if (!Directory.Exists(name))
            return [name];
        string[] found =
        [
            .. Directory.EnumerateFiles(name).Where(file => Path.GetExtension(file) is ".yaml" or ".yml").Order(StringComparer.Ordinal),
        ];
        return found is [] ? throw new FailureException($"{name} has no *.yaml or *.yml file") : found;
    }

    private static async Task<ResourceFile> Read(Stream source, string name, CancellationToken cancellation)
    {
        using var content = new MemoryStream();
        var chunk = new byte[16384];
        while (await source.ReadAsync(chunk, cancellation) is var read and > 0)
        {
            content.Write(chunk, 0, read);
            if (content.Length > Largest)
                throw new FailureException($"{name} is larger than 1 MiB");
        }
        return new ResourceFile(content.ToArray(), name);
    }
}
