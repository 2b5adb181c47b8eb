using CertAuthority.Ui.Serving;

namespace CertAuthority.Tests.Unit.Ui;

/// <summary>When a page ends by itself.</summary>
public sealed class PageLifeTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("page-life-").FullName;

    private string Key => Path.Combine(folder, "id.pub");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Use_keeps_the_page_and_then_it_ends()
    {
        var clock = new Hurried();
        var life = new PageLife(TimeSpan.FromMinutes(30), Key, clock);
        clock.Passing = now =>
        {
            if (now == TimeSpan.FromMinutes(20))
                life.Touch();
        };
        Assert.Equal(PageEnd.Idle, await life.IsOver(CancellationToken.None));
        Assert.Equal(TimeSpan.FromMinutes(50), clock.Now);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task Logout_ends_the_page_within_two_seconds(int loggedInAfter)
    {
        var clock = new Hurried();
        if (loggedInAfter == 0)
            File.WriteAllText(Key, "");
        clock.Passing = now =>
        {
            if (now == TimeSpan.FromMinutes(loggedInAfter))
                File.WriteAllText(Key, "");
            else if (now == TimeSpan.FromMinutes(10))
                File.Delete(Key);
        };
        Assert.Equal(PageEnd.LoggedOut, await new PageLife(TimeSpan.FromMinutes(30), Key, clock).IsOver(CancellationToken.None));
        Assert.Equal(TimeSpan.FromSeconds(601), clock.Now);
    }

    [Fact]
    public async Task Key_that_is_replaced_is_no_logout()
    {
        File.WriteAllText(Key, "");
        var clock = new Hurried();
        clock.Passing = now =>
        {
            if (now == TimeSpan.FromSeconds(600))
                File.Delete(Key);
            else if (now == TimeSpan.FromSeconds(601))
                File.WriteAllText(Key, "");
        };
        Assert.Equal(PageEnd.Idle, await new PageLife(TimeSpan.FromMinutes(30), Key, clock).IsOver(CancellationToken.None));
    }

    [Fact]
    public async Task Page_without_a_login_knows_no_logout() =>
        Assert.Equal(PageEnd.Idle, await new PageLife(TimeSpan.FromSeconds(1), null, new Hurried()).IsOver(CancellationToken.None));

    // Every wait is over at once, and takes its time all the same.
    private sealed class Hurried : TimeProvider
    {
        public TimeSpan Now { get; private set; }

        public Action<TimeSpan> Passing { get; set; } = _ => { };

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Now += dueTime;
            Passing(Now);
            return TimeProvider.System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
