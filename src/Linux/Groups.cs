using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;

namespace CertAuthority.Linux;

/// <summary>The groups of an account, as the system reports them.</summary>
/// <param name="Groups">The names of all groups of the account.</param>
/// <param name="Fault">Why the groups are not known; null if they are.</param>
public sealed record Membership(ImmutableArray<string> Groups, string? Fault = null);

/// <summary>
/// Looks up the groups of an account through the system, which includes directory services. These can hang, and a hanging call of the C
/// library cannot be cancelled; therefore id(1) and getent(1) make the calls, and are killed when their time is over. Every answer, success
/// or failure, is kept for a few seconds, so that nobody can make the daemon run programs with each call.
/// </summary>
/// <remarks>
/// An unreachable directory looks like one without groups: id leaves out groups that it cannot see, and reports no error. Therefore an
/// answer counts only while the account and every group that can make users exist, before and after it. An account that is missing may have
/// been removed, or be temporarily invisible. It counts as removed if a group listed it when it was last seen and none does now, because
/// somebody then removed it from that list.
/// </remarks>
/// <param name="clock">Measures the age of an answer.</param>
/// <param name="programs">Runs id(1) and getent(1); null for the system's programs.</param>
public sealed class Groups(
    TimeProvider clock, Func<string[], CancellationToken, Task<(int ExitCode, string Output, string Errors)>>? programs = null)
{
    /// <summary>The time limit for an answer of the system, including the time in the queue: 3 s.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(3);

    /// <summary>How long an answer may be used, counted from the question: 5 s.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);

    private static readonly string TooSlow = $"the system did not answer within {Within.TotalSeconds} s";

    // Above this number of answers, old ones are removed.
    private const int Many = 1000;

    private readonly Func<string[], CancellationToken, Task<(int ExitCode, string Output, string Errors)>> run = programs ?? Run;

    private readonly Dictionary<string, (Task<Membership> Answer, long Asked)> answers = new(StringComparer.Ordinal);

    // Whether some group listed an account when it last existed. Kept for accounts that groups made users.
    private readonly ConcurrentDictionary<string, bool> listed = new(StringComparer.Ordinal);

    // How many lookups run at once: for users, and separately for accounts that are not users yet, which wait only for each other.
    private readonly Dictionary<bool, SemaphoreSlim> turns = new() { [true] = new(4), [false] = new(2) };

    /// <summary>Returns the groups of an account. Never throws: the answer contains the error.</summary>
    /// <param name="account">A name that id cannot mistake for an option or a uid.</param>
    /// <param name="giving">The groups that can make users: unless all of them exist, the answer is unknown.</param>
    /// <param name="isUser">Whether the account's groups made it a user before.</param>
    /// <param name="anew">Whether to ask again instead of using a kept answer.</param>
    public Task<Membership> Of(string account, IReadOnlyList<string> giving, bool isUser, bool anew = false)
    {
        lock (answers)
        {
            if (answers.Count > Many)
                foreach (var (other, answer) in answers.ToList())
                    if (IsOld(answer))
                        answers.Remove(other);
            if (!anew && answers.TryGetValue(account, out var last) && !IsOld(last))
                return last.Answer;
            var asked = Ask(account, giving, turns[isUser]);
            answers[account] = (asked, clock.GetTimestamp());
            return asked;
        }
    }

    /// <summary>Returns why nobody's groups are known now; null if all of these groups exist.</summary>
    public static async Task<string?> Absent(IReadOnlyList<string> giving)
    {
        using var limit = new CancellationTokenSource(Within);
        try
        {
            return giving.Count == 0 ? null : (await ListedBy(Run, giving, limit.Token)).Fault;
        }
        catch (Exception e) when (e is OperationCanceledException or Win32Exception or IOException)
        {
            return e is OperationCanceledException ? TooSlow : $"getent cannot be run: {e.Message}";
        }
    }

    private bool IsOld((Task<Membership> Answer, long Asked) answer) =>
        answer.Answer.IsCompleted && clock.GetElapsedTime(answer.Asked) >= Kept;

    private async Task<Membership> Ask(string account, IReadOnlyList<string> giving, SemaphoreSlim turns)
    {
        // Does not run under the caller's lock.
        await Task.Yield();
        using var limit = new CancellationTokenSource(Within);
        try
        {
            await turns.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            return new Membership([], "too many wait for an answer already");
        }
        try
        {
            return await Look(account, giving, limit.Token);
        }
        catch (OperationCanceledException)
        {
            return new Membership([], TooSlow);
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return new Membership([], $"id and getent cannot be run: {e.Message}");
        }
        finally
        {
            turns.Release();
        }
    }

    private async Task<Membership> Look(string account, IReadOnlyList<string> giving, CancellationToken limit)
    {
        var before = await ListedBy(run, giving, limit);
        if (before.Fault is not null)
            return new Membership([], before.Fault);
        // NUL separates the names, because names in some directories contain blanks.
        var id = await run(["id", "-Gnz", "--", account], limit);
        var after = await ListedBy(run, giving, limit);
        if (after.Fault is not null)
            return new Membership([], after.Fault);
        var listing = before.Lists.Concat(after.Lists).FirstOrDefault(list => list.Members.Contains(account)).Group;
        if (id.ExitCode == 0)
        {
            var groups = id.Output.Split('\0', StringSplitOptions.RemoveEmptyEntries).ToImmutableArray();
            if (groups.Any(giving.Contains))
                listed[account] = listing is not null;
            return new Membership(groups);
        }
        // With another reason in the message, the system could not answer. Groups without a name are a fault too, because one of them may
        // be a group that denies.
        if (!id.Errors.EndsWith("no such user", StringComparison.Ordinal) || id.Errors.Contains('\n'))
            return new Membership([], id.Errors.Length > 0 ? id.Errors : $"id ended with {id.ExitCode}");
        if (listing is not null)
            return new Membership([], $"there is no account {account} now, but the group {listing} lists it");
        return listed.TryRemove(new(account, true))
            ? new Membership([])
            : new Membership(
                [],
                $"there is no account {account} now, and nothing says that it was removed; what it holds stays valid until an administrator revokes it");
    }

    /// <summary>Returns the accounts that the groups list, or why one of the groups is missing.</summary>
    private static async Task<((string Group, string[] Members)[] Lists, string? Fault)> ListedBy(
        Func<string[], CancellationToken, Task<(int ExitCode, string Output, string Errors)>> run, IReadOnlyList<string> groups,
        CancellationToken limit)
    {
        var entries = await run(["getent", "group", "--", .. groups], limit);
        var lists = entries.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':'))
            .Where(entry => entry.Length == 4).Select(entry => (entry[0], entry[3].Split(','))).ToArray();
        if (entries.ExitCode == 0 && lists.Length == groups.Count)
            return (lists, null);
        var missing = groups.Except(lists.Select(list => list.Item1)).FirstOrDefault();
        return (lists,
            missing is null ? $"getent group ended with {entries.ExitCode}" : $"the group {missing} of users_from_groups is not there now");
    }

    private static async Task<(int ExitCode, string Output, string Errors)> Run(string[] command, CancellationToken limit)
    {
        var asked = new ChildProcess(command[0], [.. command[1..]]) { Environment = [("LC_ALL", "C")], Directory = "/" };
        var exit = await asked.Run(limit);
        return (exit.ExitCode ?? throw new OperationCanceledException(TooSlow), exit.Output, exit.Error);
    }
}
