using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What the daemon holds, as messages.</summary>
internal static class Shown
{
    public static RequestResource Show(this AccessRequest request, DateTimeOffset now) => new(
        "access_request",
        "v3",
        new RequestMetadata(request.Id.ToString(), request.Revision),
        new RequestSpec(
            request.UserName,
            Names(request.Roles),
            Names(request.GrantedRoles),
            RequestTransitions.Word(request.StateAt(now)),
            request.Created,
            request.PendingUntil,
            request.AccessUntil,
            Durations.Show(request.Terms.Lasts),
            request.Terms.LimitedBy,
            RequestTable.Word(request.Terms.Clock),
            [.. request.Terms.Shortened],
            request.Reason,
            request.Resolution?.Reason ?? "",
            [.. request.SuggestedReviewers],
            request.Resolution?.By,
            request.Terms.SessionTtl is { } session ? Durations.Show(session) : null,
            request.Terms.AssumeFrom));

    public static CertificateInfo Show(this RecordedCertificate certificate) => new(
        certificate.Serial.ToString(),
        certificate.UserName,
        certificate.KeyId,
        Names(certificate.Roles),
        [.. certificate.Requests],
        [.. certificate.Principals],
        certificate.ValidAfter,
        certificate.ValidBefore,
        certificate.LimitedBy,
        certificate.Revoked is not null,
        certificate.Revoked);

    public static string[] Names(IEnumerable<PinnedRole> roles) => [.. roles.Select(role => role.Name)];
}
