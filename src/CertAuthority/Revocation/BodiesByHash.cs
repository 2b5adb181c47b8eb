using CertAuthority.Linux;

namespace CertAuthority.Revocation;

/// <summary>
/// The files that manifests name, each under its hash. What is under a name never changes, so any cache may keep it, and a host that has
/// read a manifest gets the files of that one although a newer one is there.
/// </summary>
/// <param name="path">The absolute path of the directory.</param>
internal sealed class BodiesByHash(string path)
{
    /// <summary>The name of the directory.</summary>
    public const string Directory = "by-hash";

    /// <summary>How long a file stays after the last manifest that named it.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(15);

    /// <summary>How many files stay that the last manifest does not name; many revocations in a row must not fill the disk.</summary>
    public const int MostOld = 32;

    // When a manifest named each; for files of an earlier process, when this one first saw them.
    private readonly Dictionary<string, DateTimeOffset> named = new(StringComparer.Ordinal);

    /// <summary>Writes the files of the next manifest that are missing, and deletes those that are old.</summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void Put(IEnumerable<byte[]> bodies, DateTimeOffset now)
    {
        OwnFile.PublicDirectory(path);
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var body in bodies)
        {
            var name = Manifests.HashOf(body);
            wanted.Add(name);
            named[name] = now;
            if (!File.Exists(At(name)) || !File.ReadAllBytes(At(name)).AsSpan().SequenceEqual(body))
                AtomicFile.Replace(At(name), body, AtomicFile.ReadableByAll);
        }
        var old = System.IO.Directory.EnumerateFiles(path).Select(file => Path.GetFileName(file)).Where(IsHash)
            .Where(name => !wanted.Contains(name)).ToList();
        foreach (var name in old)
            named.TryAdd(name, now);
        foreach (var (name, rank) in old.OrderByDescending(name => named[name]).Select((name, rank) => (name, rank)))
            if (rank >= MostOld || now - named[name] >= Kept)
            {
                File.Delete(At(name));
                named.Remove(name);
            }
    }

    private static bool IsHash(string name) => name.Length == 64 && name.All(char.IsAsciiHexDigitLower);

    private string At(string name) => Path.Combine(path, name);
}
