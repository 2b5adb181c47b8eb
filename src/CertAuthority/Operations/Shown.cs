using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Converts the daemon's records to messages.</summary>
internal static class Shown
{
    /// <param name="request">The request.</param>
    /// <param name="now">The instant at which the state is shown.</param>
    /// <param name="roles">Every role that exists; null for a request that has ended.</param>
    /// <param name="tally">The count of its reviews, while it is pending.</param>
    public static RequestResource Show(
        this AccessRequest request, DateTimeOffset now, IReadOnlyDictionary<string, Role>? roles = null, Tally? tally = null) => new(
        "access_request",
        "v3",
        new RequestMetadata(request.Id.ToString(), request.Revision),
        new RequestSpec
        {
            User = request.UserName,
            Roles = Names(request.Roles),
            GrantedRoles = Names(request.GrantedRoles),
            State = RequestTransitions.Word(request.StateAt(now)),
            Created = request.Created,
            Expires = request.PendingUntil,
            AccessExpires = request.AccessUntil,
            AccessLasts = Durations.Show(request.Terms.Lasts),
            AccessLimitedBy = request.Terms.LimitedBy,
            Clock = RequestTable.Word(request.Terms.Clock),
            Shortened = [.. request.Terms.Shortened],
            RequestReason = request.Reason,
            ResolveReason = request.Resolution?.Reason ?? "",
            SuggestedReviewers = [.. request.SuggestedReviewers],
            ResolvedBy = request.Resolution?.By,
            SessionTtl = request.Terms.SessionTtl is { } session ? Durations.Show(session) : null,
            AssumeStartTime = request.Terms.AssumeFrom,
            Reviews = [.. request.Reviews.Select(review => Show(review, tally))],
            Missing = tally is null ? null : [.. tally.Missing],
            Needs = tally is null ? null : [.. tally.Needs],
            Thresholds = [.. request.Thresholds.Select(Show)],
            SystemAnnotations = request.Annotations.IsEmpty
                ? null
                : request.Annotations.ToDictionary(one => one.Key, one => one.Value.ToArray()),
            Resources = Names(request.Resources),
            Conditions = request.StateAt(now) switch
            {
                RequestState.Pending => Conditions(request.Roles, roles),
                RequestState.Approved => Conditions(request.GrantedRoles, roles),
                _ => null,
            },
            Overridden = request.Overridden.IsEmpty ? null : [.. request.Overridden],
        });

    private static RequestReview Show(Review review, Tally? tally) => new(
        review.AuthorName, ReviewTable.Word(review.Decision), [.. review.Roles], review.Reason, review.At, review.AssumeFrom,
        tally?.Counted.Contains(review), review.AtMost is { } longest ? Durations.Show(longest) : null);

    private static RequestThresholds Show(ThresholdSet set) => new(
        set.By.Name, set.RequireAll ? "all" : "any",
        [
            .. set.Thresholds.Select(
                threshold => new RequestThreshold(threshold.Name, threshold.Approve, threshold.Deny, threshold.Filter?.Text))]);

    /// <summary>Lists certificates, each with the key that signed it.</summary>
    public static CertificateList List(Snapshot snapshot, List<RecordedCertificate> certificates)
    {
        var keys = snapshot.CaKeys(CaPurpose.User).ToDictionary(known => known.Id, known => Fingerprint.Compute(known.Key));
        return new CertificateList([.. certificates.Select(certificate => certificate.Show(keys.GetValueOrDefault(certificate.CaKeyId)))]);
    }

    /// <param name="certificate">The certificate.</param>
    /// <param name="ca">The fingerprint of the CA key that signed it; null if it is not known.</param>
    public static CertificateInfo Show(this RecordedCertificate certificate, string? ca) => new()
    {
        Serial = certificate.Serial.ToString(),
        User = certificate.UserName,
        KeyId = certificate.KeyId,
        Roles = Names(certificate.Roles),
        Requests = [.. certificate.Requests],
        Principals = [.. certificate.Principals],
        ValidAfter = certificate.ValidAfter,
        ValidBefore = certificate.ValidBefore,
        LimitedBy = certificate.LimitedBy,
        Revoked = certificate.Revoked is not null,
        RevokedAt = certificate.Revoked,
        Name = certificate.Name,
        CriticalOptions = certificate.Permissions.Conditions.IsEmpty ? null : certificate.Permissions.Conditions.ToDictionary(),
        Ca = ca,
    };

    /// <summary><c>restore: runs only /usr/bin/restore</c> for each role that attaches conditions to its logins; null for none.</summary>
    private static string[]? Conditions(IEnumerable<PinnedRole> pinned, IReadOnlyDictionary<string, Role>? roles) =>
        pinned.Select(
            pin => roles?.GetValueOrDefault(pin.Name) is { } role && Permissions.Demanded(role) is { } demanded
                ? $"{pin.Name}: {demanded}"
                : null)
            .OfType<string>().ToArray() is [_, ..] some ? some : null;

    public static string[] Names(IEnumerable<PinnedRole> roles) => [.. roles.Select(role => role.Name)];

    /// <summary><c>node/db1</c>, each; null for none.</summary>
    public static string[]? Names(ImmutableArray<PinnedNode> resources) =>
        resources.IsEmpty ? null : [.. resources.Select(node => node.ToString())];
}
