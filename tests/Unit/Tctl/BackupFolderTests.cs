using CertAuthority.Tctl;

namespace CertAuthority.Tests.Unit.Tctl;

/// <summary>The names of backups in a directory.</summary>
public sealed class BackupFolderTests
{
    [Fact]
    public void Backups_within_one_second_have_names_of_their_own()
    {
        using var folder = new TemporaryFolder();
        using var backups = BackupFolder.Take(folder.File("backups"));
        var now = new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero);
        string[] names = [.. Enumerable.Range(0, 3).Select(_ => Write(now)), Write(now.AddSeconds(1))];
        Assert.Equal(["certauthority-20261122T030000Z.db", "certauthority-20261122T030000Z_02.db", "certauthority-20261122T030000Z_03.db", "certauthority-20261122T030001Z.db"], names);
        File.WriteAllText(folder.File("backups/certauthority-20261122T030000Z_1.db"), "not one of them");
        Assert.Equal([names[1], names[0]], backups.Keep(2, folder.File($"backups/{names[3]}")).Select(file => Path.GetFileName(file)));

        string Write(DateTimeOffset at)
        {
            var file = backups.Next(at, isEncrypted: false);
            File.WriteAllText(file, "");
            return Path.GetFileName(file);
        }
    }
}
