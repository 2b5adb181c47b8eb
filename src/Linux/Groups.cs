using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;

namespace CertAuthority.Linux;

/// <summary>What the system says of an account's groups.</summary>
/// <param name="Groups">The names of all of them.</param>
/// <param name="Fault">Why they are not known; null when they are.</param>
public sealed record Membership(ImmutableArray<string> Groups, string? Fault = null);

/// <summary>
/// Which groups an account is in, asked from the system so that directory services answer too. They can hang, and a call of the C library
/// that hangs cannot be taken back: so id(1) and getent(1) ask, and are killed when their time is over. An answer is good for a few
/// seconds,
/// whatever it was, so that nobody can make the daemon run programs with each call.
/// </summary>
/// <remarks>
/// A directory that is away looks like one without groups: id leaves out what it cannot see, and says so to nobody. So an answer counts
/// only
/// while the account and every group that can make users are there, before and after it. An account that is not there may have been
/// removed,
/// or be out of sight. It was removed if a group listed it when it was last seen and none does now: then somebody took it off that list.
/// </remarks>
/// <param name="clock">Says how old an answer is.</param>
/// <param name="programs">Runs id(1) and getent(1); null for those of the system.</param>
public sealed class Groups(
    TimeProvider clock, Func<string[], CancellationToken, Task<(int ExitCode, string Output, string Errors)>>? programs = null)
{
    /// <summary>How long the system may take, turns included.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(3);

    /// <summary>How old an answer may be, from the question on.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);

    private static readonly string TooSlow = $"the system did not answer within {Within.TotalSeconds} s";

    // Beyond so many answers, old ones are let go.
    private const int Many = 1000;

    private readonly Func<string[], CancellationToken, Task<(int ExitCode, string Output, string Errors)>> run = programs ?? Run;

    private readonly Dictionary<string, (Task<Membership> Answer, long Asked)> answers = new(StringComparer.Ordinal);

    // Whether some group listed an account when it was last there. Kept for accounts that groups made users.
    private readonly ConcurrentDictionary<string, bool> listed = new(StringComparer.Ordinal);

    // How many are asked for at once: of users, and of those who are none yet, who wait among themselves.
    private readonly Dictionary<bool, SemaphoreSlim> turns = new() { [true] = new(4), [false] = new(2) };

    /// <summary>The groups of an account. Never fails: what went wrong is in the answer.</summary>
    /// <param name="account">A name that id cannot take for an option or a uid.</param>
    /// <param name="giving">The groups that can make users: unless all of them are there, nothing is known.</param>
    /// <param name="isUser">Whether its groups made it a user before.</param>
    /// <param name="anew">Whether an answer from before is not good enough.</param>
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

    /// <summary>Why nothing is known of anybody's groups now; null when each of these groups is there.</summary>
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
        // Not under the lock of whoever asks.
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
        // NUL between the names: those of some directories have blanks in them.
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
        // With a reason behind it, the system could not tell. Groups without a name are a fault too: one of them may be a group that
        // denies.
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

    /// <summary>The accounts that groups list; or why one of the groups is not there.</summary>
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
