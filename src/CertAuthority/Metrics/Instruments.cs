using System.Diagnostics.Metrics;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Metrics;

/// <summary>
/// What the daemon counts and measures as it happens. Each is an instrument of the meter <c>CertAuthority</c>, so that a listener in this
/// process, such as OpenTelemetry, gets the same values as <c>GET /metrics</c>. There is one set in each process.
/// </summary>
internal static class Instruments
{
    private static readonly Meter Meter = new("CertAuthority");

    private static readonly string[] Codes = [.. Enum.GetNames<ProblemCode>().Select(JsonNamingPolicy.SnakeCaseLower.ConvertName)];

    /// <summary>Certificates that were signed, by the purpose of the CA key, in the order of its enumeration.</summary>
    public static readonly LabelledCounter Issued = new(
        Meter, "certauthority_certificates_issued", "Certificates signed, by the purpose of the CA key.", "purpose", "user", "host", "sync");

    /// <summary>Logins that got no certificate, by the code of the problem.</summary>
    public static readonly LabelledCounter LoginsRefused = new(
        Meter, "certauthority_logins_refused", "Logins that got no certificate, by the code of the problem.", "code", Codes);

    /// <summary>Calls of every route that got a problem, by its code.</summary>
    public static readonly LabelledCounter CallsRefused = new(
        Meter, "certauthority_calls_refused", "Calls that were answered with a problem, by its code.", "code", Codes);

    /// <summary>How long a commit took, from the beginning of its transaction until it was on the disk.</summary>
    public static readonly ValueHistogram CommitSeconds = new(
        Meter, "certauthority_commit_seconds", "Time from the beginning of a transaction until it is on the disk.",
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10);

    /// <summary>How many changes shared a commit.</summary>
    public static readonly ValueHistogram CommitChanges = new(
        Meter, "certauthority_commit_changes", "Changes that shared one commit.", 1, 2, 4, 8, 16, 32, 64, 128);

    /// <summary>Attempts to commit, by their result.</summary>
    public static readonly LabelledCounter Commits = new(
        Meter, "certauthority_commits", "Attempts to commit, by their result.", "result", "done", "failed");

    /// <summary>How long it took to make, check and write a revocation list.</summary>
    public static readonly ValueHistogram ListSeconds = new(
        Meter, "certauthority_revocation_list_publish_seconds", "Time to make, check and write a revocation list.",
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10);

    /// <summary>Attempts to write a revocation list, by their result.</summary>
    public static readonly LabelledCounter Lists = new(
        Meter, "certauthority_revocation_lists", "Attempts to write a revocation list, by their result.", "result", "done", "failed");

    /// <summary>The places of the results of <see cref="Commits"/> and <see cref="Lists"/>.</summary>
    public const int Done = 0, Failed = 1;
}
