using System.Net;
using System.Security.Authentication;
using System.Text;
using CertAuthority.Linux;

namespace CertAuthority.Notices;

/// <summary>The answer of a web server to one call.</summary>
/// <param name="Status">The status; null if there was no answer.</param>
/// <param name="Body">The beginning of the body; untrusted text.</param>
/// <param name="Fault">Why there was no answer, or that the status is none of success; null for success.</param>
internal sealed record HttpAnswer(HttpStatusCode? Status, string Body, string? Fault)
{
    private const int KeptBody = 128_000;

    // Connects directly to the configured address and nowhere else. Certificates are checked against the system's roots.
    private static readonly HttpClient Client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        MaxResponseHeadersLength = 16,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Sends a call, and reads the beginning of the answer.</summary>
    /// <param name="request">The call.</param>
    /// <param name="within">How long that may take.</param>
    /// <param name="stopping">Cancels it when the daemon shuts down.</param>
    public static async Task<HttpAnswer> To(HttpRequestMessage request, TimeSpan within, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(within);
        try
        {
            using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            var kept = new byte[KeptBody];
            var length = await (await response.Content.ReadAsStreamAsync(limit.Token)).ReadAtLeastAsync(
                kept, kept.Length, throwOnEndOfStream: false, limit.Token);
            return new HttpAnswer(
                response.StatusCode, Encoding.UTF8.GetString(kept, 0, length).Trim(),
                response.IsSuccessStatusCode ? null : $"it answered {(int)response.StatusCode}");
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return new HttpAnswer(null, "", $"it did not answer within {within.TotalSeconds} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new HttpAnswer(
                null, "",
                e.InnerException is AuthenticationException tls
                    ? $"no TLS with it: {tls.Message}"
                    : e.Message + UnitNetwork.Remedy(e.Message));
        }
    }
}
