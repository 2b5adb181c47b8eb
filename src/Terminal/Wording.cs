namespace CertAuthority.Terminal;

/// <summary>Formats times, numbers and labels for people.</summary>
public static class Wording
{
    /// <inheritdoc cref="UtcText.Of"/>
    public static string Time(DateTimeOffset time) => UtcText.Of(time);

    /// <summary>
    /// Returns the time left, to the nearest minute, or to the second below one minute: <c>1h30m</c>, <c>58m</c>, <c>40s</c>.
    /// </summary>
    public static string Left(TimeSpan left)
    {
        if (left < TimeSpan.FromMinutes(1))
            return $"{(int)left.TotalSeconds}s";
        var (hours, minutes) = Math.DivRem((int)Math.Round(left.TotalMinutes), 60);
        return (hours, minutes) switch
        {
            (0, _) => $"{minutes}m",
            (_, 0) => $"{hours}h",
            _ => $"{hours}h{minutes}m",
        };
    }

    /// <summary>
    /// Returns an instant as seen from now, in its largest unit: <c>in 2h</c>, <c>5m ago</c>, <c>in 3d</c>. After a month, the date.
    /// </summary>
    public static string Relative(DateTimeOffset time, DateTimeOffset now)
    {
        var apart = (time - now).Duration();
        if (apart > TimeSpan.FromDays(30))
            return time.UtcDateTime.ToString("yyyy-MM-dd");
        var text = apart.TotalMinutes < 1 ? $"{(int)apart.TotalSeconds}s"
            : apart.TotalHours < 1 ? $"{(int)apart.TotalMinutes}m"
            : apart.TotalDays < 2 ? $"{(int)apart.TotalHours}h"
            : $"{(int)apart.TotalDays}d";
        return time > now ? $"in {text}" : $"{text} ago";
    }

    /// <summary><c>1 certificate</c>, <c>2 certificates</c>.</summary>
    public static string Count(int number, string thing) => number == 1 ? $"1 {thing}" : $"{number} {thing}s";

    /// <summary>Returns the names with commas between, as many as anybody reads: <c>db1, db2 and 40 more</c>.</summary>
    public static string Some(IReadOnlyCollection<string> names, int most = 8) =>
        string.Join(", ", names.Take(most)) + (names.Count > most ? $" and {names.Count - most} more" : "");

    /// <summary>Returns the address of a node, with the jump host through which it is reached.</summary>
    public static string Address(string address, string? via) => via is null ? address : $"{address} via {via}";

    /// <summary><c>env=prod,type=db</c>.</summary>
    /// <summary><c>env=prod,type=db</c>.</summary>
    public static string Labels(IEnumerable<KeyValuePair<string, string>> labels) =>
        string.Join(',', labels.Select(label => $"{label.Key}={label.Value}"));

    /// <summary>
    /// Returns a message of a library or the system in the style of ours: lower case, no full stop. A first word in capitals, such as the
    /// name of an argument, stays.
    /// </summary>
    internal static string InOurStyle(string message) => message switch
    {
        [_, var second, ..] when char.IsUpper(second) => message.ReplaceLineEndings(" ").TrimEnd('.'),
        [var first, ..] => char.ToLowerInvariant(first) + message[1..].ReplaceLineEndings(" ").TrimEnd('.'),
        _ => "unknown error",
    };
}
