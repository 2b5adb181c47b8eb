namespace CertAuthority.Store;

/// <summary>Finds the users whose access a change touches, without reading what the change cannot reach.</summary>
internal static class TouchedUsers
{
    /// <summary>
    /// Returns the IDs of the users who are touched, unless that is everybody. The cost depends on the number of these users and of the
    /// requests in use.
    /// </summary>
    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public static HashSet<Guid> UsersTouchedBy(this Snapshot snapshot, Touched touched, DateTimeOffset now)
    {
        var roles = touched.Roles.ToHashSet(StringComparer.Ordinal);
        // A certificate that names a node was issued by a role that selects the node as it was, and that role is still there.
        if (touched.Nodes.Count > 0)
        {
            var policy = snapshot.Policy();
            // Whoever enters a host behind a jump host can pass it.
            var nodes = touched.Nodes.Concat(touched.Nodes.Where(node => node.Jump).SelectMany(jump => policy.Ways.Behind(jump.Name)))
                .ToList();
            roles.UnionWith(policy.Roles.Values
                .Where(role => nodes.Exists(node => role.Allow.NodeLabels.Matches(node.Labels))).Select(role => role.Name));
        }
        // Only a role that selects as a group does can have put the group into a certificate. A role that did so before was changed since.
        if (touched.Groups.Count > 0)
            roles.UnionWith(snapshot.Policy().Roles.Values
                .Where(role => touched.Groups.Any(group => group.Selector.IsLike(role.Allow.NodeLabels))).Select(role => role.Name));
        var users = touched.Users.ToHashSet();
        foreach (var role in roles)
            users.UnionWith(snapshot.HoldersOf(role));
        if (roles.Count > 0)
            users.UnionWith(
                snapshot.RolesInUse(now).Where(one => one.Roles.Any(role => roles.Contains(role.Name))).Select(one => one.User));
        return users;
    }

    /// <summary>Returns the IDs of all users who have a live certificate, a request in use or a pending request.</summary>
    public static List<Guid> UsersWithAccess(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.Query(
            """
            SELECT user_id FROM certificates WHERE valid_before > $1 AND revoked IS NULL
            UNION SELECT user_id FROM requests WHERE state = 'APPROVED' AND access_until > $1
            UNION SELECT user_id FROM requests WHERE state = 'PENDING' AND pending_until > $1
            """,
            row => row.Id("user_id"), now);
}
