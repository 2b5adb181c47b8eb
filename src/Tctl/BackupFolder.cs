using System.Globalization;
using System.Text.RegularExpressions;
using CertAuthority.Linux;
using CertAuthority.Terminal;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Tctl;

/// <summary>
/// A directory of backups, each a file that is named by the time at which it was taken. A file gets such a name only when it is complete,
/// and nothing without such a name is ever deleted.
/// </summary>
internal sealed partial class BackupFolder : IDisposable
{
    private const int MostInASecond = 99;

    private readonly string path;
    private readonly SafeFileHandle held;

    private BackupFolder(string path, SafeFileHandle held) => (this.path, this.held) = (path, held);

    /// <summary>
    /// Takes the directory, so that no other backup goes there meanwhile. It is created with mode 0700 if it does not exist.
    /// </summary>
    /// <exception cref="FailureException">
    /// It cannot be created, other accounts can enter it, or another backup is going there.
    /// </exception>
    public static BackupFolder Take(string path)
    {
        try
        {
            ExpectDirectory(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))) ?? "/");
            if (File.Exists(path))
                throw new FailureException($"{path} is a file, and --to takes a directory");
            OwnFile.PrivateDirectory(path);
            var folder = new BackupFolder(path, OwnFile.LockDirectory(path));
            folder.RemoveUnfinished();
            return folder;
        }
        catch (ExposedException exposed)
        {
            throw new FailureException(exposed.Message);
        }
        catch (InUseException)
        {
            throw new FailureException($"another backup is being written to {path}");
        }
        catch (UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be written to: permission denied");
        }
    }

    /// <summary>Checks that a file could be created in a directory.</summary>
    /// <exception cref="FailureException">There is no such directory.</exception>
    public static void ExpectDirectory(string directory)
    {
        if (!Directory.Exists(directory))
            throw new FailureException($"there is no directory {directory}", $"create it: install -d -m 700 {directory}");
    }

    /// <summary>Returns the path of a backup that is taken now. Several of one second are numbered, and sort in that order.</summary>
    public string Next(DateTimeOffset now, bool isEncrypted)
    {
        var time = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        return Enumerable.Range(1, MostInASecond).Select(n => n == 1 ? "" : n.ToString("'_'00", CultureInfo.InvariantCulture))
            .Select(number => Path.Combine(path, $"certauthority-{time}{number}.db{(isEncrypted ? ".age" : "")}"))
            .FirstOrDefault(file => !Path.Exists(file))
            ?? throw new FailureException($"{path} has {MostInASecond} backups of this second already", "try again in a second");
    }

    /// <summary>Deletes the oldest backups.</summary>
    /// <param name="most">How many stay.</param>
    /// <param name="newest">The one that was just taken; it stays even if a clock that was ahead gave others later names.</param>
    /// <returns>The paths of the deleted ones.</returns>
    public string[] Keep(int most, string newest)
    {
        var older = Files(Complete()).Where(file => file != newest).OrderDescending(StringComparer.Ordinal).Skip(most - 1).ToArray();
        foreach (var file in older)
            File.Delete(file);
        return older;
    }

    public void Dispose() => held.Dispose();

    // Nobody else writes here now, so whoever did was interrupted.
    private void RemoveUnfinished()
    {
        foreach (var file in Files(Unfinished()))
            File.Delete(file);
    }

    private IEnumerable<string> Files(Regex name) => new DirectoryInfo(path).EnumerateFiles()
        .Where(file => file.LinkTarget is null && name.IsMatch(file.Name)).Select(file => Path.Combine(path, file.Name));

    [GeneratedRegex(@"^certauthority-\d{8}T\d{6}Z(_\d\d)?\.db(\.age)?\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Complete();

    [GeneratedRegex(
        @"^certauthority-\d{8}T\d{6}Z(_\d\d)?\.db(\.age)?\.[a-z0-9]{8}\.[a-z0-9]{3}\z",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Unfinished();
}
