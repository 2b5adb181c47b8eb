using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>Requests as text.</summary>
public static class RequestText
{
    /// <summary>A request a row.</summary>
    public static Table Table(IEnumerable<RequestResource> requests)
    {
        var table = new Table("Token", "Requestor", "Metadata", "Created At (UTC)", "Status");
        foreach (var (_, _, metadata, spec) in requests)
            table.Add(
                metadata.Name,
                spec.User,
                $"roles={string.Join(',', spec.Roles)}",
                spec.Created.UtcDateTime.ToString("dd MMM yy HH:mm 'UTC'"),
                spec.State);
        return table;
    }

    /// <summary>A field a line; a field that says nothing is left out.</summary>
    public static IEnumerable<string> Details(RequestResource request)
    {
        var spec = request.Spec;
        (string Name, string? Value)[] fields =
        [
            ("id", request.Metadata.Name),
            ("user", spec.User),
            ("state", spec.State),
            ("roles", string.Join(", ", spec.Roles)),
            ("granted roles", string.Join(", ", spec.GrantedRoles)),
            ("reason", spec.RequestReason),
            ("suggested reviewers", string.Join(", ", spec.SuggestedReviewers)),
            ("created", Wording.Time(spec.Created)),
            ("answer expected until", spec.State == "PENDING" ? Wording.Time(spec.Expires) : null),
            ("access begins", spec.AssumeStartTime is { } begins ? Wording.Time(begins) : null),
            ("access ends", $"{(spec is { State: "PENDING", Clock: "approval" } ? $"{spec.AccessLasts} after the approval" : Wording.Time(spec.AccessExpires))}, limited by {spec.AccessLimitedBy}"),
            ("certificates", spec.SessionTtl is { } session ? $"at most {session}" : null),
            ("shortened", string.Join("; ", spec.Shortened)),
            ("resolved by", spec.ResolvedBy),
            ("resolve reason", spec.ResolveReason),
        ];
        return fields.Where(field => !string.IsNullOrEmpty(field.Value)).Select(field => $"{field.Name}: {field.Value}");
    }

    /// <summary><c>request 3f… has been denied, 1 certificate revoked</c>.</summary>
    /// <param name="resolved">The daemon's answer.</param>
    /// <param name="what">What was done to it.</param>
    public static string Done(RequestResolved resolved, string what) =>
        $"request {resolved.Request.Metadata.Name} has been {what}"
        + (resolved.Revoked.Length > 0 ? $", {Wording.Count(resolved.Revoked.Length, "certificate")} revoked" : "");
}
