namespace CertAuthority.Ui.Serving;

/// <summary>When the person last did something. What a page asks for by itself does not count.</summary>
/// <param name="limit">For how long nothing may happen.</param>
/// <param name="clock">Measures the time.</param>
internal sealed class Idle(TimeSpan limit, TimeProvider clock)
{
    private long last = clock.GetTimestamp();

    /// <summary>Notes that the person did something.</summary>
    public void Touch() => Volatile.Write(ref last, clock.GetTimestamp());

    /// <summary>Completes when nothing has happened for too long.</summary>
    public async Task IsOver(CancellationToken cancellation)
    {
        while (limit - clock.GetElapsedTime(Volatile.Read(ref last)) is var left && left > TimeSpan.Zero)
            await Task.Delay(left, clock, cancellation);
    }
}
