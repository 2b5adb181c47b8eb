namespace CertAuthority.Terminal;

/// <summary>
/// Shows on a terminal what the program waits for, and how long that can still take. If stderr is not a terminal, it writes nothing.
/// </summary>
/// <param name="error">The writer for messages; null keeps it silent.</param>
/// <param name="what">What the program waits for.</param>
/// <param name="end">The latest end of the wait.</param>
/// <param name="clock">Measures the remaining time.</param>
public sealed class Spinner(TextWriter? error, string what, DateTimeOffset end, TimeProvider clock)
{
    private const string Erase = "\r\u001b[K";

    // DECAWM off: if the terminal is narrower than the line, the end of the line is cut off, because a wrapped line could not be erased.
    // The same write turns it on again, so that an interrupt never leaves it off.
    private const string NoWrap = "\u001b[?7l";
    private const string Wrap = "\u001b[?7h";
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(125);

    /// <summary>Whether stderr is a terminal that can erase what it shows.</summary>
    public static bool IsPossible =>
        !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";

    /// <summary>Erases what a spinner shows now, before another line takes its place.</summary>
    public static void Clear(TextWriter error)
    {
        if (IsPossible)
            error.Write(Erase);
    }

    /// <summary>Awaits the task, and shows the spinner in the last line until it is done. The spinner is then erased.</summary>
    /// <param name="task">The task.</param>
    /// <param name="state">How far the wait has got, to follow the remaining time.</param>
    public async Task During(Task task, string state = "")
    {
        if (error is not null)
        {
            for (var turns = 0; !task.IsCompleted; turns++)
            {
                var left = end - clock.GetUtcNow();
                var shown = left > TimeSpan.Zero ? $", {Wording.Left(left)} left" : "";
                await error.WriteAsync($"{Erase}{NoWrap}{@"|/-\"[turns % 4]} {what}{shown}{state}{Wrap}");
                await Task.WhenAny(task, Task.Delay(Turn));
            }
            await error.WriteAsync(Erase);
        }
        await task;
    }
}
