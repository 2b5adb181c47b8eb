using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

public class NodeSyncTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);

    [Theory]
    [InlineData("just now", 0, null, false)]
    [InlineData("at the limit", 30, null, false)]
    [InlineData("past it", 31, null, true)]
    [InlineData("failing since, and not yet past it", 29, "gone", false)]
    [InlineData("never, and never tried", null, null, false)]
    [InlineData("never, and tried", null, "gone", true)]
    public void Host_is_stale_after_too_long_without_a_write(string what, int? minutes, string? failure, bool stale) =>
        Assert.True(stale == new NodeSync(7, minutes is { } ago ? Sample.Now.AddMinutes(-ago) : null, failure, failure is null ? null : Sample.Now).IsStale(Sample.Now, Limit), what);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(5, 16)]
    [InlineData(6, 32)]
    [InlineData(7, 60)]
    [InlineData(1000, 60)]
    public void Pause_before_a_retry_grows(int failures, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), NodeSync.Pause(failures));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(4, 5)]
    [InlineData(1000, 5)]
    public void Penalty_is_retried_within_seconds(int failures, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), NodeSync.Pause(failures, SyncTrouble.Penalty));
}
