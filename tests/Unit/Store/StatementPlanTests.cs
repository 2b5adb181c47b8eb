using System.Collections.Immutable;
using System.Data.Common;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>
/// Calls every function of the store, with every combination of what may be left out, and asks SQLite how it would run each statement that
/// they prepared: none may walk through a table that grows with history.
/// </summary>
public sealed class StatementPlanTests : IAsyncLifetime
{
    private static readonly string[] Growing =
    [
        "certificates", "certificate_requests", "requests", "request_roles", "request_nodes", "reviews", "audit", "audit_requests", "host_certificates",
        "sync_certificates", "login_sessions", "outbox", "user_accounts",
    ];

    /// <summary>The statements that may walk, by their function and their text, with the reason.</summary>
    private static readonly (string Function, Func<string, bool> Is, string Reason)[] Walking =
    [
        ("AuditTable.ReadAudit", sql => !sql.Contains("\"user\" =", StringComparison.Ordinal) && !sql.Contains("request =", StringComparison.Ordinal),
            "a page in the order of the index; one until a time also reads what is later, and one since a time nothing that is earlier; a filter without an index skips 5000 entries at most"),
        ("AuditTable.StoredAudit", _ => true, "a piece of bounded size, in the order of the numbers"),
        ("CertificateTable.Certificates",
            sql => !sql.Contains("user_name =", StringComparison.Ordinal) && !sql.Contains("request_id =", StringComparison.Ordinal) && !sql.Contains("revoked IS NOT NULL", StringComparison.Ordinal)
                && !sql.Contains("valid_before >", StringComparison.Ordinal),
            "a page in the order of the table; one for a node also reads what it skips"),
        ("RequestPages.RequestPage",
            sql => Regex.Split(sql, "UNION ALL (?=SELECT id)").Any(arm => !Regex.IsMatch(arm, @"user_name = \$5| role = \$6| node = \$9|pending_until > |access_until > ", RegexOptions.ExplicitCapture)),
            "a page in the order of an index; one by user of a state, a role or a node also reads what it skips"),
        ("RequestTable.FindRequest", sql => sql.EndsWith("LIMIT 100", StringComparison.Ordinal), "the hundred newest, in the order of an index"),
        ("DecisiveRows.ExpectIndexed", _ => true, "reads from the end to the first page on which everything is over"),
        ("CertificateTable.InspectCertificates", _ => true, "reads what is over, in the background, once in each run"),
        ("AuditTable.RequestsIn", _ => true, "only what was written since the last look, a moment ago"),
        ("AuditTable.InspectAudit", _ => true, "reads what is over, in the background, once in each run"),
        ("TreeTables.NumberAt", _ => true, "only where somebody removed entries from the database of an earlier version"),
        ("TreeTables.PlaceOf", _ => true, "only where somebody removed entries from the database of an earlier version"),
        ("TreeTables.CountAuditIn", _ => true, "counts by an index, once in each run"),
        ("OutboxTable.Waiting", _ => true, "at most 10,000 events wait for each receiver"),
    ];

    private readonly World world = new();
    private readonly List<string> failures = [];
    private readonly Dictionary<string, (string Function, int Parameters)> statements = new(StringComparer.Ordinal);

    public async Task InitializeAsync()
    {
        try
        {
            await world.Database.Commit<bool>(transaction =>
            {
                if (!TestStore.IsPostgres)
                    transaction.Execute("PRAGMA defer_foreign_keys = ON");
                CallEverything(transaction);
                // Undoes it all.
                throw new OperationCanceledException();
            });
        }
        catch (OperationCanceledException)
        {
        }
    }

    public async Task DisposeAsync() => await world.DisposeAsync();

    [Fact]
    public void Every_function_of_the_store_is_called() => Assert.Empty(failures);

    [SqliteFact]
    public void No_statement_walks_through_a_table_that_grows()
    {
        Assert.True(statements.Count > 100, $"only {statements.Count} statements were prepared");
        using var outside = world.Outside("ReadOnly");
        var walks = (
            from statement in statements
            from step in Plan(outside, statement.Key, statement.Value.Parameters)
            where IsWalk(step) && !Walking.Any(allowed => allowed.Function == statement.Value.Function && allowed.Is(statement.Key))
            select $"{statement.Value.Function}: {step}: {statement.Key}").Distinct().ToList();
        Assert.True(walks.Count == 0, string.Join('\n', walks));
    }

    /// <summary>A statement that no longer walks, or no longer exists, needs no reason.</summary>
    [SqliteFact]
    public void Each_exception_is_needed()
    {
        using var outside = world.Outside("ReadOnly");
        var walking = statements.Where(statement => Plan(outside, statement.Key, statement.Value.Parameters).Any(IsWalk)).ToList();
        Assert.All(Walking, allowed => Assert.Contains(walking, one => one.Value.Function == allowed.Function && allowed.Is(one.Key)));
    }

    /// <summary>
    /// Whether a step of a plan reads a part of a table that grows with history: all of it, everything on one side of a place in the order
    /// of its numbers, or all requests that once got a state.
    /// </summary>
    private static bool IsWalk(string step) =>
        Regex.Match(step, @"^(?<how>SCAN|SEARCH) (?<table>\w+)(?<by>.*)$") is { Success: true } read && Growing.Contains(read.Groups["table"].Value)
            && (read.Groups["how"].Value == "SCAN"
                || Regex.IsMatch(read.Groups["by"].Value, @"INTEGER PRIMARY KEY \(rowid[<>]|\((state=\?|state=\? AND \(created.*|ANY\(.*)\)$", RegexOptions.ExplicitCapture));

    private static List<string> Plan(DbConnection connection, string sql, int parameters)
    {
        if (!Regex.IsMatch(sql, "^(SELECT|INSERT|UPDATE|DELETE|WITH)", RegexOptions.ExplicitCapture))
            return [];
        using var command = connection.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {sql}";
        for (var n = 1; n <= parameters; n++)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ($"${n}", DBNull.Value);
            command.Parameters.Add(parameter);
        }
        using var rows = command.ExecuteReader();
        var plan = new List<string>();
        while (rows.Read())
            plan.Add(rows.GetString(3));
        return plan;
    }

    private void CallEverything(Transaction transaction)
    {
        var functions = typeof(Database).Assembly.GetTypes()
            .Where(type => type is { IsAbstract: true, IsSealed: true } && type.Namespace == typeof(Database).Namespace)
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(function => !function.IsGenericMethod && !function.IsDefined(typeof(CompilerGeneratedAttribute))
                && !function.GetParameters().Any(one => one.ParameterType.IsByRefLike)
                && function.GetParameters() is [var first, ..] && typeof(Snapshot).IsAssignableFrom(first.ParameterType));
        var inspection = new Inspection(SessionOf(transaction));
        foreach (var function in functions)
        {
            Exception? fault = null;
            var works = false;
            foreach (var arguments in Combinations(function.GetParameters(), function.GetParameters()[0].ParameterType == typeof(Inspection) ? inspection : transaction))
                try
                {
                    transaction.Execute("SAVEPOINT one");
                    function.Invoke(null, arguments);
                    works = true;
                    transaction.Execute("RELEASE one");
                }
                catch (TargetInvocationException e)
                {
                    fault = e.InnerException;
                    // PostgreSQL takes nothing more after an error.
                    transaction.Execute("ROLLBACK TO one");
                }
            // Inserting the same row a second time fails, and need not work; a trigger may refuse what makes no sense.
            if (!works && fault is not (ProblemException or Microsoft.Data.Sqlite.SqliteException { SqliteErrorCode: 19 } or Npgsql.PostgresException { SqlState: ['2', '3', ..] }))
                failures.Add($"{function.DeclaringType!.Name}.{function.Name}: {fault}");
            Note(transaction, $"{function.DeclaringType!.Name}.{function.Name}");
        }
        Walk(transaction, RoleRow.Table, """{"version":"v8"}""");
        Walk(transaction, UserRow.Table, """{"roles":[],"unix_users":["uid:1"]}""");
        Walk(transaction, NodeRow.Table, """{"address":"db1.example.com:22"}""");
        Walk(transaction, NodeGroupRow.Table, """{"node_labels":{"env":["prod"]},"token":"one.0123456789abcdef"}""");
        Walk(transaction, LockRow.Table, """{"kind":"user","target":"alice"}""");
    }

    private void Walk<T>(Transaction transaction, ResourceTable<T> table, string row) where T : Resource
    {
        var one = (T)(table.Read(row, "one") with { Id = Guid.NewGuid(), Revision = 1 });
        table.Put(transaction, one);
        _ = (table.All(transaction), table.Find(transaction, "one"), table.Find(transaction, one.Id), table.FindUnreadable(transaction, "one"));
        table.Remove(transaction, one);
        Note(transaction, table.Kind);
    }

    private void Note(Transaction transaction, string function)
    {
        var prepared = (Dictionary<string, Statement>)typeof(Session).GetField("prepared", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(SessionOf(transaction))!;
        foreach (var (sql, statement) in prepared)
            statements.TryAdd(sql, (function, statement.Command.Parameters.Count));
    }

    private static Session SessionOf(Transaction transaction) =>
        (Session)typeof(Snapshot).GetProperty("Session", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(transaction)!;

    private static IEnumerable<object?[]> Combinations(ReadOnlySpan<ParameterInfo> parameters, Snapshot snapshot)
    {
        IEnumerable<object?[]> all = [[snapshot]];
        foreach (var parameter in parameters[1..])
        {
            var values = Values(parameter).ToList();
            all = all.SelectMany(before => values.Select(value => (object?[])[.. before, value])).ToList();
        }
        return all;
    }

    private static IEnumerable<object?> Values(ParameterInfo parameter)
    {
        if (new NullabilityInfoContext().Create(parameter).ReadState == NullabilityState.Nullable)
            yield return null;
        foreach (var value in Samples(Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType, parameter.Name!))
            yield return value;
    }

    private static IEnumerable<object?> Samples(Type type, string name)
    {
        if (type == typeof(string))
            return name == "state" ? ["live", "expired", "revoked"] : ["abcd"];
        if (type == typeof(RequestWish))
            return
                from states in (RequestState[][])[[], .. Enum.GetValues<RequestState>().Select(state => (RequestState[])[state]), [RequestState.Pending, RequestState.Denied]]
                from user in (string?[])[null, "abcd"]
                from role in (string?[])[null, "abcd"]
                from since in (DateTimeOffset?[])[null, World.Now]
                from order in Enum.GetValues<RequestOrder>()
                from after in (RequestPlace?[])[null, new(order switch { RequestOrder.User => "abcd", RequestOrder.State => "denied", _ => "" }, World.Now, Guid.Empty)]
                from node in (NodeFilter?[])[null, new("abcd", ["abcd"])]
                select new RequestWish([.. states], user, role, since, order, 20, after) { Node = node };
        if (type == typeof(RequestFilter))
            return
                from states in (RequestState[][])[[], .. Enum.GetValues<RequestState>().Select(state => (RequestState[])[state])]
                from role in (string?[])[null, "abcd"]
                from since in (DateTimeOffset?[])[null, World.Now]
                from node in (NodeFilter?[])[null, new("abcd", ["abcd"])]
                from requester in (string?[])[null, "abcd"]
                select new RequestFilter([.. states], role, since) { Node = node, Requester = requester };
        if (type == typeof(StoredTree))
            return [new StoredTree("abcd", 1, 1), new StoredTree("abcd", 1, 2)];
        if (type == typeof(IEnumerable<KeyValuePair<TileId, byte[]>>))
            return [new[] { KeyValuePair.Create(new TileId(0, 0), new byte[32]) }];
        if (type == typeof(bool))
            return [true, false];
        if (type == typeof(AuditWish))
            return
                from user in (string?[])[null, "abcd"]
                from request in (string?[])[null, "abcd"]
                from since in (DateTimeOffset?[])[null, World.Now]
                from until in (DateTimeOffset?[])[null, World.Now]
                from oldestFirst in (bool[])[false, true]
                select new AuditWish(user, request, since, until) { OldestFirst = oldestFirst, Account = user };
        return [Sample(type)];
    }

    private static object? Sample(Type type) =>
        type == typeof(string) ? "abcd"
        : type == typeof(User) ? World.User("alice")
        : type == typeof(AccessRequest) ? World.Request(World.User("alice"))
        : type == typeof(RecordedCertificate) ? World.Certificate(7, World.User("alice"), null, Guid.NewGuid().ToString())
        : type == typeof(DateTimeOffset) ? World.Now
        : type == typeof(TimeSpan) ? TimeSpan.FromHours(1)
        : type == typeof(Guid) ? Guid.NewGuid()
        : type == typeof(byte[]) ? new byte[] { 1 }
        : type == typeof(Func<Policy, string, Policy>) ? (Policy policy, string _) => policy
        : type == typeof(Predicate<AccessRequest>) ? (Predicate<AccessRequest>)(_ => true)
        : type == typeof(PublicKey) ? PrivateKeys.New(CaKeyType.Ed25519).PublicKey
        : type == typeof(Alias) ? Alias.Account("alice")
        : type == typeof(UnixIdentity) ? new UnixIdentity(5001, "alice")
        : type.IsEnum ? Enum.GetValues(type).GetValue(0)
        : type == typeof(long) ? 1L : type == typeof(int) ? 1 : type == typeof(ulong) ? 1UL : type == typeof(uint) ? 1u
        : type == typeof(bool) ? true
        : Nullable.GetUnderlyingType(type) is { } inner ? Sample(inner)
        : type.IsGenericType && type.GetField("Empty") is { IsStatic: true } empty ? empty.GetValue(null)
        : type.IsGenericType && type.IsInterface ? One(type.GetGenericArguments()[0])
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(List<>) ? Activator.CreateInstance(type)
        : type.IsArray ? Array.CreateInstance(type.GetElementType()!, 0)
        : Built(type);

    private static Array One(Type type)
    {
        var one = Array.CreateInstance(type, 1);
        one.SetValue(Sample(type), 0);
        return one;
    }

    private static object Built(Type type)
    {
        var constructor = type.IsAbstract || typeof(Delegate).IsAssignableFrom(type) ? null : type.GetConstructors().MaxBy(one => one.GetParameters().Length);
        if (constructor is null)
            throw new InvalidOperationException($"the test has no value of the type {type.Name}");
        var built = constructor.Invoke([.. constructor.GetParameters().Select(parameter =>
            new NullabilityInfoContext().Create(parameter).ReadState == NullabilityState.Nullable ? null : Sample(parameter.ParameterType))]);
        foreach (var member in type.GetProperties().Where(one => one.IsDefined(typeof(RequiredMemberAttribute))))
            member.SetValue(built, Sample(member.PropertyType));
        return built;
    }
}
