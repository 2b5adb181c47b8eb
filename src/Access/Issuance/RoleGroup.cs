using System.Collections.Immutable;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>The roles behind one decision.</summary>
/// <param name="Assigned">Those that the user holds.</param>
/// <param name="Elevated">Those that requests add.</param>
/// <param name="ByRequest">The ids of the roles that each request adds, by the request's id.</param>
internal sealed record RolesInUse(IReadOnlyList<RoleInUse> Assigned, IReadOnlyList<RoleInUse> Elevated, ILookup<Guid, Guid> ByRequest)
{
    /// <summary>Each once, assigned ones first.</summary>
    public IReadOnlyList<RoleInUse> All { get; } = RoleInUse.Each(Assigned.Concat(Elevated));

    /// <summary>Those of the roles drawn that can be used.</summary>
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
/// <param name="HasConditions">Whether they attach any.</param>
/// <param name="Own">They, in the order of those in use.</param>
/// <param name="Everywhere">Roles without logins of their own that demand something: they can only mean every login.</param>
/// <param name="Principals">The logins that they open.</param>
internal sealed record RoleGroup(
    RolesInUse InUse, bool HasConditions, ImmutableArray<RoleInUse> Own, ImmutableArray<RoleInUse> Everywhere,
    ImmutableArray<Principal> Principals)
{
    public ImmutableArray<RoleInUse> Roles { get; } = [.. Own, .. Everywhere];

    public IReadOnlyList<RoleInUse> Elevated { get; } = Among(InUse.Elevated, Own, Everywhere);

    public IReadOnlyList<RoleInUse> Assigned { get; } = Among(InUse.Assigned, Own, Everywhere);

    public bool IsElevated => Elevated.Count > 0;

    /// <summary>As <see cref="IssuanceGrant.Name"/> says.</summary>
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
    /// The requests that its certificate draws on: those that add one of its roles. Requests for nodes decide together which nodes every
    /// role in it opens, so an elevated certificate draws on all of them.
    /// </summary>
    public IReadOnlyList<AccessRequest> Requests(IssuanceQuestion question) =>
        [
            .. question.Requests.Where(
                request => IsElevated && (!request.Resources.IsEmpty || Elevated.Any(role => InUse.Brings(request, role))))];

    /// <summary>
    /// How long its certificate is valid. A limit of a role that everybody in use holds binds every certificate; one of a request, those
    /// that draw on it.
    /// </summary>
    public Decided<Validity> Lifetime(IssuanceQuestion question)
    {
        var requests = Requests(question);
        var limiting = InUse.Assigned.Concat(InUse.Elevated.Where(role => requests.Any(request => InUse.Brings(request, role))))
            .DistinctBy(role => role.Role.Id).Select(role => role.Role).ToList();
        return Issuance.Lifetime.Decide(question.Now, limiting, requests, question.RequestedTtl, question.Limits, question.SessionEnds);
    }

    /// <summary>What its certificate permits.</summary>
    public Decided<SessionPermissions> Permissions(IssuanceQuestion question) =>
        Issuance.Permissions.Decide(Assigned, Elevated, question.IsSecurityKey);

    private static RoleInUse[] Among(IReadOnlyList<RoleInUse> inUse, params ImmutableArray<RoleInUse>[] some) =>
        [.. inUse.Where(role => some.Any(those => those.Any(one => one.Role.Id == role.Role.Id)))];
}
