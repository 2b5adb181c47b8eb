using CertAuthority.Protocol;

namespace CertAuthority.Tctl.Reports;

/// <summary>
/// Who can do what on which host, summarised: users who have the same logins by the same roles on the same hosts are one row. It takes the
/// daemon's answer for one class of hosts at a time.
/// </summary>
internal sealed class AccessTable
{
    /// <summary>Stands in a list of logins for the name of each user.</summary>
    public const string OwnName = "{user}";

    private const char Between = ',';

    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);
    private readonly List<string> names = [];
    private readonly Dictionary<Way, Dictionary<Crowd, List<HostClass?>>> rows = [];

    /// <summary>The logins that each standing role opens to each user who holds it.</summary>
    public Dictionary<(string User, string Role), SortedSet<string>> Standing { get; } = [];

    /// <summary>Adds who can log in to the hosts of a class.</summary>
    /// <param name="hosts">The class; null for every host that trusts the CA, enrolled or not.</param>
    /// <param name="list">The answer of the daemon for one of these hosts.</param>
    public void Add(HostClass? hosts, EntrantList list)
    {
        var crowds = new Dictionary<Way, SortedSet<int>>();
        // What an approved request opens is no standing access; the section of grants has it.
        foreach (var entrant in list.Entrants.Where(entrant => entrant.Request is null))
        {
            foreach (var same in entrant.Logins.GroupBy(login => (Roles: Join(login.Roles), login.Conditions)))
                Put(
                    new Way(
                        AccessWays.Standing, same.Key.Roles, Logins(entrant.User, same.Select(login => login.Login)), same.Key.Conditions),
                    entrant.User);
            foreach (var login in entrant.Logins)
                foreach (var role in login.Roles)
                {
                    if (!Standing.TryGetValue((Name(entrant.User), role), out var logins))
                        Standing[(Name(entrant.User), role)] = logins = new SortedSet<string>(StringComparer.Ordinal);
                    logins.Add(login.Login);
                }
        }
        foreach (var possible in list.Possible)
            Put(
                new Way(
                    possible.Resource is null ? AccessWays.ByRequest : AccessWays.ByRequestForHosts, possible.Role,
                    Logins(possible.User, possible.Logins), null), possible.User);
        foreach (var (way, users) in crowds)
        {
            if (!rows.TryGetValue(way, out var same))
                rows[way] = same = [];
            var crowd = new Crowd([.. users]);
            if (!same.TryGetValue(crowd, out var classes))
                same[crowd] = classes = [];
            classes.Add(hosts);
        }

        void Put(Way way, string user)
        {
            if (!crowds.TryGetValue(way, out var users))
                crowds[way] = users = [];
            users.Add(Number(user));
        }
    }

    /// <summary>Returns the rows, sorted.</summary>
    /// <param name="listed">The most names of users, of hosts and of sets of labels in a row; null for all.</param>
    public AccessRow[] Rows(int? listed)
    {
        var most = listed ?? int.MaxValue;
        return
        [
            .. rows.SelectMany(way => way.Value.SelectMany(same => Split(way.Key, same.Key, same.Value, most)))
                .OrderBy(row => row.How == AccessWays.Standing ? 0 : 1).ThenBy(row => row.How, StringComparer.Ordinal)
                .ThenBy(row => Join(row.Roles), StringComparer.Ordinal).ThenBy(row => Join(row.Logins), StringComparer.Ordinal)
                .ThenBy(row => row.Conditions, StringComparer.Ordinal).ThenBy(row => row.Hosts is not null)
                .ThenByDescending(row => row.Users).ThenBy(row => row.UserNames.FirstOrDefault(), StringComparer.Ordinal)
                .ThenBy(row => row.HostNames.FirstOrDefault(), StringComparer.Ordinal),
        ];
    }

    private IEnumerable<AccessRow> Split(Way way, Crowd crowd, List<HostClass?> classes, int most)
    {
        var users = crowd.Users.Select(user => names[user]).Order(StringComparer.Ordinal).Take(most).ToArray();
        var row = new AccessRow(
            way.How, Parts(way.Roles), Parts(way.Logins), crowd.Users.Length, users, Hosts: null, [], [], way.Conditions);
        if (classes.Contains(null))
            yield return row;
        var enrolled = classes.OfType<HostClass>().ToList();
        if (enrolled.Count > 0)
            yield return row with
            {
                Hosts = enrolled.Sum(one => one.Names.Length),
                HostNames = [.. enrolled.SelectMany(one => one.Names).Order(StringComparer.Ordinal).Take(most)],
                Labels =
                [
                    .. enrolled.Select(one => one.Labels).Where(labels => labels is not "").Distinct()
                        .Order(StringComparer.Ordinal).Take(most),
                ],
            };
    }

    private static string Logins(string user, IEnumerable<string> logins) =>
        Join(logins.Select(login => login == user ? OwnName : login).Distinct().Order(StringComparer.Ordinal));

    private static string Join(IEnumerable<string> parts) => string.Join(Between, parts);

    // Names of roles and logins contain no comma.
    private static string[] Parts(string joined) => joined.Split(Between);

    private int Number(string user)
    {
        if (!numbers.TryGetValue(user, out var number))
        {
            numbers[user] = number = names.Count;
            names.Add(user);
        }
        return number;
    }

    // The same text for the same user, so that ten thousand answers do not hold it ten thousand times.
    private string Name(string user) => names[Number(user)];

    private sealed record Way(string How, string Roles, string Logins, string? Conditions);

    /// <summary>A set of users; two are equal if they have the same users.</summary>
    private sealed class Crowd(int[] users) : IEquatable<Crowd>
    {
        public int[] Users => users;

        public bool Equals(Crowd? other) => other is not null && users.AsSpan().SequenceEqual(other.Users);

        public override bool Equals(object? obj) => Equals(obj as Crowd);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (var user in users)
                hash.Add(user);
            return hash.ToHashCode();
        }
    }
}
