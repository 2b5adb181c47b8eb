using System.Globalization;
using CertAuthority.Terminal;

namespace CertAuthority.Ui.Pages;

/// <summary>Formats times for the page.</summary>
internal static class Moments
{
    /// <summary>A time as machines read it.</summary>
    public static string Iso(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary><c>3m ago</c>, <c>in 1h30m</c>; days from two days up.</summary>
    public static string From(DateTimeOffset time, DateTimeOffset now) =>
        time <= now ? $"{Span(now - time)} ago" : $"in {Span(time - now)}";

    /// <summary><c>1h30m</c>, <c>3d</c>.</summary>
    public static string Span(TimeSpan span) => span >= TimeSpan.FromDays(2) ? $"{(int)span.TotalDays}d" : Wording.Left(span);
}
