namespace CertAuthority.Terminal;

/// <summary>
/// Shows on a terminal that something is awaited, and how long it can still take. Where stderr is no terminal it writes nothing.
/// </summary>
/// <param name="error">Where the talk goes; null keeps it silent.</param>
/// <param name="what">What is awaited.</param>
/// <param name="end">When the wait is over at the latest.</param>
/// <param name="clock">Tells how long that is.</param>
public sealed class Spinner(TextWriter? error, string what, DateTimeOffset end, TimeProvider clock)
{
    private const string Erase = "\r\u001b[K";

    // DECAWM: where the terminal is narrower than the line, its end is cut off. Wrapped, it could not be erased. On again in the
    // same write, for whoever interrupts must not find it off.
    private const string NoWrap = "\u001b[?7l";
    private const string Wrap = "\u001b[?7h";
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(125);

    /// <summary>Whether stderr is a terminal that can erase what it shows.</summary>
    public static bool IsPossible =>
        !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";

    /// <summary>The task, with the spinner turning in its last line until it is done. Nothing of it stays.</summary>
    public async Task During(Task task)
    {
        if (error is not null)
        {
            for (var turns = 0; !task.IsCompleted; turns++)
            {
                var left = end - clock.GetUtcNow();
                var shown = left > TimeSpan.Zero ? $", {Wording.Left(left)} left" : "";
                await error.WriteAsync($"{Erase}{NoWrap}{@"|/-\"[turns % 4]} {what}{shown}{Wrap}");
                await Task.WhenAny(task, Task.Delay(Turn));
            }
            await error.WriteAsync(Erase);
        }
        await task;
    }
}
