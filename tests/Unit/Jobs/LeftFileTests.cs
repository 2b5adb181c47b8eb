using System.Diagnostics;
using CertAuthority.Configuration;
using CertAuthority.Jobs;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>Whatever lies where hosts leave what they say costs a line of its own, and stops nobody.</summary>
public sealed class LeftFileTests : IAsyncLifetime
{
    // A file system of Linux that can keep any time.
    private readonly DirectoryInfo reports = Directory.CreateDirectory($"/dev/shm/{Path.GetRandomFileName()}");

    private HostWorld hosts = null!;

    public async Task InitializeAsync() => hosts = await HostWorld.Start(HostWorld.Node("a1"), HostWorld.Node("b2"), HostWorld.Node("c3"));

    public async Task DisposeAsync()
    {
        reports.Delete(recursive: true);
        await hosts.DisposeAsync();
    }

    [Theory]
    [InlineData("400000000000")]
    [InlineData("-400000000000")]
    public async Task File_of_any_time_is_read_like_every_other(string seconds)
    {
        foreach (var name in (string[])["a1", "join_a1", "b2", "join_b2"])
            File.WriteAllText(Path.Combine(reports.FullName, name), "no report");
        foreach (var name in (string[])["a1", "join_a1"])
            using (var touch = Process.Start("touch", ["-d", $"@{seconds}", Path.Combine(reports.FullName, name)]))
                await touch.WaitForExitAsync();
        Assert.Throws<ArgumentOutOfRangeException>(() => new FileInfo(Path.Combine(reports.FullName, "a1")).LastWriteTimeUtc);
        var settings = new CurrentSettings(new SettingsInForce(World.DefaultSettings.Now.Settings with { ReportsDirectory = reports.FullName }, []));
        var log = new Lines();
        using var reading = new HostReports(new CurrentAuthority(hosts.Authority, settings), settings, log);
        using var joining = new JoinRound(new CurrentAuthority(hosts.Authority, settings), settings, log);

        for (var round = 0; round < 3; round++)
        {
            await reading.Once(CancellationToken.None);
            await joining.Once(CancellationToken.None);
        }

        // Once about each.
        Assert.Equal(4, log.Count);
    }

    [Fact]
    public async Task Whatever_a_file_brings_about_is_its_own_fault()
    {
        var file = new FileInfo(Path.Combine(reports.FullName, "a1"));
        await File.WriteAllTextAsync(file.FullName, "text");
        Assert.Equal("no room here", await LeftFile.Take(file, _ => throw new InvalidOperationException("no room here")));
        Assert.Equal("it cannot be read", await LeftFile.Take(file, _ => throw new IOException("the disk")));
        Assert.Equal("it is no ordinary file, or too large", await LeftFile.Take(new FileInfo(reports.FullName), _ => throw new NotSupportedException()));
        // What the database says, everybody waits for.
        await Assert.ThrowsAsync<ProblemException>(() => LeftFile.Take(file, _ => throw new ProblemException(new Problem(ProblemCode.Unavailable, "the disk is full"))));
    }

    private sealed class Lines : Microsoft.Extensions.Logging.ILogger
    {
        public int Count { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => true;

        public void Log<TState>(Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Count++;
    }
}
