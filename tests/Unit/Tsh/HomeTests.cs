using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

public sealed class HomeTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory();
    private readonly Home home;

    public HomeTests() => home = new Home(Path.Combine(folder.FullName, "home"));

    [Fact]
    public void Without_a_certificate_nobody_is_logged_in()
    {
        Assert.Null(Held.In(home).User);
        Assert.Equal("not logged in", Assert.Throws<FailureException>(() => Held.In(home).Usable(Now)).Message);
        Assert.False(home.Clear());
    }

    [Fact]
    public void File_that_is_not_a_certificate_is_named()
    {
        Directory.CreateDirectory(home.Folder);
        File.WriteAllText(home.Certificate, "nonsense");
        Assert.Null(Held.In(home).User);
        Assert.Contains("id-cert.pub is not a certificate", Assert.Throws<FailureException>(() => Held.In(home).Usable(Now)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_is_created_once_and_only_for_its_owner()
    {
        var made = await home.EnsureKey("alice", CancellationToken.None);
        Assert.StartsWith("ssh-ed25519 ", made, StringComparison.Ordinal);
        Assert.EndsWith(" alice", made, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(home.Key));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(home.Folder));
        Assert.Equal(made, await home.EnsureKey("bob", CancellationToken.None));
        File.Delete(home.PublicKey);
        Assert.Equal(made, await home.EnsureKey("bob", CancellationToken.None));
        Assert.Equal(["id", "id.pub"], Directory.GetFiles(home.Folder).Select(Path.GetFileName).Order());
        Assert.True(home.Clear());
        Assert.Empty(Directory.GetFiles(home.Folder));
    }

    [Fact]
    public async Task Concurrent_callers_agree_on_one_key()
    {
        var lines = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => home.EnsureKey("alice", CancellationToken.None)));
        Assert.Single(lines.Distinct());
    }

    public void Dispose() => folder.Delete(recursive: true);
}
