using System.Collections.Immutable;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>The roles that one decision uses.</summary>
/// <param name="Assigned">The roles that the user holds.</param>
/// <param name="Elevated">The roles that requests add.</param>
/// <param name="ByRequest">The IDs of the roles that each request adds, by the ID of the request.</param>
internal sealed record RolesInUse(IReadOnlyList<RoleInUse> Assigned, IReadOnlyList<RoleInUse> Elevated, ILookup<Guid, Guid> ByRequest)
{
    /// <summary>All roles in use, each once, assigned ones first.</summary>
    public IReadOnlyList<RoleInUse> All { get; } = RoleInUse.Each(Assigned.Concat(Elevated));

    /// <summary>Selects the drawn roles that can be used.</summary>
    public static RolesInUse Of(ImmutableArray<DrawnRole> drawn)
    {
        var (assigned, elevated) = (new List<RoleInUse>(), new List<(AccessRequest Request, RoleInUse Role)>());
        foreach (var role in drawn)
            if (!role.Use.Holds(out var inUse, out _))
                continue;
            else if (role.Request is { } request)
                elevated.Add((request, inUse));
            else
                assigned.Add(inUse);
        return new RolesInUse(
            RoleInUse.Each(assigned), RoleInUse.Each(elevated.Select(one => one.Role)),
            elevated.ToLookup(one => one.Request.Id, one => one.Role.Role.Id));
    }

    /// <summary>Whether a request adds a role.</summary>
    public bool Brings(AccessRequest request, RoleInUse role) => ByRequest[request.Id].Contains(role.Role.Id);
}

/// <summary>The roles whose logins share a certificate: those in use that attach the same conditions to their logins.</summary>
/// <param name="InUse">All roles in use.</param>
/// <param name="HasConditions">Whether the roles attach any conditions.</param>
/// <param name="Own">The roles themselves, in the order of the roles in use.</param>
/// <param name="Everywhere">Roles that have conditions but no logins of their own: their conditions apply to every login.</param>
/// <param name="Principals">The principals that the roles open.</param>
/// <param name="Jumps">Returns the principals for passing the jump hosts on the way there, given the end of the certificate.</param>
internal sealed record RoleGroup(
    RolesInUse InUse, bool HasConditions, ImmutableArray<RoleInUse> Own, ImmutableArray<RoleInUse> Everywhere,
    ImmutableArray<Principal> Principals, Func<DateTimeOffset, ImmutableArray<Principal>> Jumps)
{
    /// <summary>The same logins as principals of groups of hosts, as far as the roles open every host of a group.</summary>
    public ImmutableArray<Principal> ByGroup { get; init; } = [];

    public ImmutableArray<RoleInUse> Roles { get; } = [.. Own, .. Everywhere];

    public IReadOnlyList<RoleInUse> Elevated { get; } = Among(InUse.Elevated, Own, Everywhere);

    public IReadOnlyList<RoleInUse> Assigned { get; } = Among(InUse.Assigned, Own, Everywhere);

    public bool IsElevated => Elevated.Count > 0;

    /// <summary>The name of the certificate; see <see cref="IssuanceGrant.Name"/>.</summary>
    public string Name
    {
        get
        {
            var kind = IsElevated ? "elevated" : "everyday";
            return !HasConditions
                ? kind
                : $"{kind}-{(Own.FirstOrDefault(role => Elevated.Any(one => one.Role.Id == role.Role.Id)) ?? Roles[0]).Role.Name}";
        }
    }

    /// <summary>
    /// Returns the requests that the certificate uses: those that add one of its roles. All requests for nodes together decide which nodes
    /// every role opens, so an elevated certificate uses all of them.
    /// </summary>
    public IReadOnlyList<AccessRequest> Requests(IssuanceQuestion question) =>
        [
            .. question.Requests.Where(
                request => IsElevated && (!request.Resources.IsEmpty || Elevated.Any(role => InUse.Brings(request, role))))];

    /// <summary>
    /// Decides how long the certificate is valid. A limit of an assigned role binds every certificate; a limit of a request, or of a role
    /// that it adds, binds the certificates that use the request.
    /// </summary>
    public Decided<Validity> Lifetime(IssuanceQuestion question)
    {
        var requests = Requests(question);
        var limiting = InUse.Assigned.Concat(InUse.Elevated.Where(role => requests.Any(request => InUse.Brings(request, role))))
            .DistinctBy(role => role.Role.Id).Select(role => role.Role).ToList();
        return Issuance.Lifetime.Decide(
            question.Now, limiting, requests, question.RequestedTtl, question.Limits, question.SessionEnds, question.OnlyNode);
    }

    /// <summary>Decides what the certificate permits.</summary>
    public Decided<SessionPermissions> Permissions(IssuanceQuestion question) =>
        Issuance.Permissions.Decide(Assigned, Elevated, question.IsSecurityKey);

    private static RoleInUse[] Among(IReadOnlyList<RoleInUse> inUse, params ImmutableArray<RoleInUse>[] some) =>
        [.. inUse.Where(role => some.Any(those => those.Any(one => one.Role.Id == role.Role.Id)))];
}
