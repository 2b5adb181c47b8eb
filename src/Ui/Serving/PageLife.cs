namespace CertAuthority.Ui.Serving;

/// <summary>Why a page ended.</summary>
internal enum PageEnd
{
    /// <summary>Nobody used it for too long.</summary>
    Idle,
    /// <summary>Its owner logged out.</summary>
    LoggedOut,
    /// <summary>Its owner pressed the button that ends it.</summary>
    Left,
    /// <summary>Ctrl-C.</summary>
    Interrupted,
}

/// <summary>
/// How long a page lives that nobody ends: until its owner has not used it for a while, or has logged out. What a page asks for by itself
/// is no use.
/// </summary>
/// <param name="idleFor">For how long nobody may use it.</param>
/// <param name="loginKey">The public key of its owner's login, which a logout removes; null for a page without a login.</param>
/// <param name="clock">Measures the time.</param>
internal sealed class PageLife(TimeSpan idleFor, string? loginKey, TimeProvider clock)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private bool wasLoggedIn = File.Exists(loginKey);
    private long lastUse = clock.GetTimestamp();

    /// <summary>Notes that the person did something.</summary>
    public void Touch() => Volatile.Write(ref lastUse, clock.GetTimestamp());

    /// <summary>Completes when the life of the page is over, and says why.</summary>
    public async Task<PageEnd> IsOver(CancellationToken cancellation)
    {
        var missed = 0;
        while (true)
        {
            // A login that makes another key replaces the file, which is missing for a moment then.
            missed = File.Exists(loginKey) ? 0 : missed + 1;
            wasLoggedIn |= missed == 0;
            if (wasLoggedIn && missed > 1)
                return PageEnd.LoggedOut;
            var left = idleFor - clock.GetElapsedTime(Volatile.Read(ref lastUse));
            if (left <= TimeSpan.Zero)
                return PageEnd.Idle;
            await Task.Delay(left < LookAgain ? left : LookAgain, clock, cancellation);
        }
    }
}
