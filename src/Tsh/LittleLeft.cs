using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Finds what expires soon: within ten minutes, or within the last tenth of its lifetime if that is shorter.</summary>
internal static class LittleLeft
{
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(10);

    /// <summary>Returns the warnings, each with the command that fixes it.</summary>
    /// <param name="certificate">The certificate at hand.</param>
    /// <param name="requests">The user's requests.</param>
    /// <param name="now">The current time.</param>
    public static IEnumerable<(string Warning, string Command)> Of(
        CertificateInfo certificate, IEnumerable<RequestResource> requests, DateTimeOffset now)
    {
        var used = requests.Where(
            request => request.Spec.State == RequestStates.Approved && certificate.Requests.Contains(request.Metadata.Name)).ToList();
        foreach (var (_, _, metadata, spec) in used.Where(
            request => IsSoon(request.Spec.AssumeStartTime ?? request.Spec.Created, request.Spec.AccessExpires, now)))
            yield return (
                $"request {metadata.Name} ({string.Join(", ", spec.GrantedRoles)}) ends in {Wording.Left(spec.AccessExpires - now)}",
                spec.Resources is [_, ..] nodes
                    ? $"tsh request create --resource={string.Join(',', nodes)}"
                    : $"tsh request create --roles={string.Join(',', spec.GrantedRoles)}");
        // Renewing the request also fixes a certificate that ends with it.
        if (IsSoon(certificate.ValidAfter, certificate.ValidBefore, now)
            && !used.Exists(request => request.Spec.AccessExpires <= certificate.ValidBefore))
            yield return (
                $"your certificate ends in {Wording.Left(certificate.ValidBefore - now)}",
                certificate.Requests is [] ? "tsh login" : ReadyRequests.Use(certificate.Requests));
    }

    private static bool IsSoon(DateTimeOffset begin, DateTimeOffset end, DateTimeOffset now)
    {
        var tenth = (end - begin) / 10;
        return now < end && end - now < (tenth < Soon ? tenth : Soon);
    }
}
