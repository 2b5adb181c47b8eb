using System.Globalization;

namespace CertAuthority;

/// <summary>
/// Writes an instant: the one form in all messages, lists, files, mails and audit entries. Access, Protocol and Terminal have no project in
/// common that they reference, so each compiles this file.
/// </summary>
internal static class UtcText
{
    /// <summary><c>2027-01-31T18:00:00Z</c>: RFC 3339 in UTC and whole seconds, as options and resource files take it back.</summary>
    public static string Of(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
