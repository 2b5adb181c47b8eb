using System.Security.Cryptography;
using System.Text.Json;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl.Reports;

/// <summary>A report that was saved as JSON.</summary>
/// <param name="Report">What it contains.</param>
/// <param name="Sha256">The SHA-256 of its bytes, in hexadecimal: what a review signs, and what <c>sha256sum</c> shows.</param>
internal sealed record ReportFile(AccessReport Report, string Sha256)
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="FailureException">It is no report.</exception>
    public static async Task<ReportFile> Read(string path, CancellationToken cancellation)
    {
        var bytes = await NamedFile.Bytes(path, cancellation);
        try
        {
            return new ReportFile(AccessReport.Parse(bytes), Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }
        catch (JsonException)
        {
            throw new FailureException($"{path} is not a report that tctl access report --format=json wrote");
        }
    }
}
