using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

public sealed class AtomicFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory();

    [Fact]
    public void Write_replaces_the_content_and_sets_the_mode()
    {
        var path = Path.Combine(folder.FullName, "id-cert.pub");
        File.WriteAllText(path, "something longer than what comes");
        AtomicFile.Replace(path, "short"u8, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal("short", File.ReadAllText(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public void Failed_write_leaves_nothing_behind()
    {
        var path = folder.CreateSubdirectory("taken").FullName;
        Assert.ThrowsAny<Exception>(() => AtomicFile.Replace(path, "x"u8, UnixFileMode.UserRead));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.FullName));
    }

    [Fact]
    public void Unfinished_files_are_removed_and_backups_stay()
    {
        var unfinished = "";
        AtomicFile.Replace(Path.Combine(folder.FullName, "user_ca"), "x"u8, UnixFileMode.UserRead, check: temporary => unfinished = temporary);
        foreach (var file in (string[])[unfinished, Path.Combine(folder.FullName, "user_ca.20261130.bak"), Path.Combine(folder.FullName, "user_ca.unfinished-notes")])
            File.WriteAllText(file, "");

        AtomicFile.RemoveUnfinished(folder.FullName);

        Assert.Equal(
            ["user_ca", "user_ca.20261130.bak", "user_ca.unfinished-notes"], Directory.GetFiles(folder.FullName).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Missing_file_reads_as_nothing()
    {
        var path = Path.Combine(folder.FullName, "id.pub");
        File.WriteAllText(path, "ssh-ed25519");
        Assert.Equal("ssh-ed25519", AtomicFile.Read(path));
        Assert.Null(AtomicFile.Read(path + ".old"));
        Assert.Null(AtomicFile.Read(Path.Combine(folder.FullName, "gone", "id.pub")));
    }

    public void Dispose() => folder.Delete(recursive: true);
}
