namespace CertAuthority.Terminal;

/// <summary>Times and numbers for people.</summary>
public static class Wording
{
    /// <summary><c>2026-11-22 12:00:00 UTC</c>.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'");

    /// <summary>How much is left, to the minute, and below one to the second: <c>1h30m</c>, <c>58m</c>, <c>40s</c>.</summary>
    public static string Left(TimeSpan left) => left switch
    {
        { TotalMinutes: < 1 } => $"{(int)left.TotalSeconds}s",
        { TotalHours: < 1 } => $"{left.Minutes}m",
        { Minutes: 0 } => $"{(int)left.TotalHours}h",
        _ => $"{(int)left.TotalHours}h{left.Minutes}m",
    };

    /// <summary><c>1 certificate</c>, <c>2 certificates</c>.</summary>
    public static string Count(int number, string thing) => number == 1 ? $"1 {thing}" : $"{number} {thing}s";
}
