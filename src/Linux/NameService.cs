namespace CertAuthority.Linux;

/// <summary>The kind of caller that waits for the name service; each kind has its own queue.</summary>
public enum Asker
{
    /// <summary>An account that owns no user, or is not known to own one.</summary>
    Stranger,

    /// <summary>An account that owns a user.</summary>
    User,

    /// <summary>An administrator, or the daemon itself.</summary>
    Administrator,
}

/// <summary>
/// Looks up accounts and groups through the C library. A directory service can be slow or never answer, and a hanging call cannot be
/// cancelled. Therefore each lookup has a thread of its own, with a limit for each kind of caller; each answer has a time limit; and
/// identical lookups share one call. An answer is kept for a few seconds.
/// </summary>
/// <param name="clock">Measures the age of an answer.</param>
/// <param name="nameOf">Returns the account of a uid.</param>
public sealed class NameService(TimeProvider clock, Func<uint, string?> nameOf)
{
    /// <summary>The time limit for an answer: 3 s.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(3);

    /// <summary>How long an answer may be used, counted from the question: 5 s.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);

    /// <summary>How many lookups of one kind of caller can run at once. Others wait for their turn.</summary>
    public const int Open = 32;

    /// <summary>How many lookups of one kind of caller can wait for their turn.</summary>
    public const int Waiting = 10_000;

    private static readonly SpareThreads Threads = new(idle: TimeSpan.FromSeconds(30));

    private readonly Questions<uint, string?> names = new(clock, nameOf, uid => $"which account has uid {uid}");
    private readonly Questions<string, uint?> uids = new(clock, Accounts.UidOf, account => $"which uid the account {account} has");
    private readonly Questions<string, (uint Gid, string[] Members)?> groups = new(
        clock, Accounts.GroupOf, group => $"which gid and members the group {group} has");
    private readonly Turns[] turns = [.. Enum.GetValues<Asker>().Select(_ => new Turns())];

    /// <summary>Returns the account of a uid; null if it has none.</summary>
    /// <exception cref="NameServiceException">The system does not answer.</exception>
    public Task<string?> AccountOf(uint uid, Asker asker) => names.Ask(uid, turns[(int)asker]);

    /// <summary>Returns the uid of an account; null if there is none.</summary>
    /// <exception cref="NameServiceException">The system does not answer.</exception>
    public Task<uint?> UidOf(string account, Asker asker) => uids.Ask(account, turns[(int)asker]);

    /// <summary>Returns the gid of a group; null if there is none.</summary>
    /// <exception cref="NameServiceException">The system does not answer.</exception>
    public async Task<uint?> GidOf(string group, Asker asker) => (await groups.Ask(group, turns[(int)asker]))?.Gid;

    /// <summary>Returns the accounts that a group lists; null if there is no such group.</summary>
    /// <exception cref="NameServiceException">The system does not answer.</exception>
    public async Task<string[]?> MembersOf(string group, Asker asker) => (await groups.Ask(group, turns[(int)asker]))?.Members;

    /// <summary>The lookups of one kind of caller. A thread that is done with one goes on with the next one that waits.</summary>
    private sealed class Turns
    {
        private readonly Queue<Action> waiting = [];
        private int open;

        /// <summary>Runs a lookup now, or when one of the others is done; returns false if too many wait.</summary>
        public bool TryRun(Action lookup)
        {
            lock (waiting)
            {
                if (open == Open)
                {
                    if (waiting.Count == Waiting)
                        return false;
                    waiting.Enqueue(lookup);
                    return true;
                }
                open++;
            }
            Threads.Run(() =>
            {
                for (var next = lookup; next is not null; next = Next())
                    next();
            });
            return true;
        }

        private Action? Next()
        {
            lock (waiting)
            {
                if (waiting.TryDequeue(out var next))
                    return next;
                open--;
                return null;
            }
        }
    }

    private sealed class Questions<TKey, TAnswer>(TimeProvider clock, Func<TKey, TAnswer> ask, Func<TKey, string> what) where TKey : notnull
    {
        // Above this number of answers, old ones are removed.
        private const int Many = 1000;

        private readonly Dictionary<TKey, Lookup> answers = [];
        private long swept;

        public async Task<TAnswer> Ask(TKey key, Turns turns)
        {
            try
            {
                return await Answer(key, turns).WaitAsync(Within, clock);
            }
            catch (TimeoutException)
            {
                throw new NameServiceException($"the system does not say {what(key)}: no answer within {Within.TotalSeconds} s");
            }
        }

        private Task<TAnswer> Answer(TKey key, Turns turns)
        {
            lock (answers)
            {
                // Seldom, so that a call costs the same however many accounts there are.
                if (answers.Count > Many && clock.GetElapsedTime(swept) >= Kept)
                {
                    swept = clock.GetTimestamp();
                    foreach (var (other, answer) in answers.ToList())
                        if (IsOld(answer))
                            answers.Remove(other);
                }
                // One that waits for its turn among callers of another kind may wait long.
                if (answers.TryGetValue(key, out var last) && !IsOld(last) && (last.IsBegun || last.Turns == turns))
                    return last.Answer;
                var lookup = new Lookup(() => ask(key), turns, clock.GetTimestamp());
                if (!turns.TryRun(lookup.Run))
                    throw new NameServiceException($"the system does not say {what(key)}: too many wait for an answer already");
                answers[key] = lookup;
                return lookup.Answer;
            }
        }

        // A hanging lookup never counts as old, because a second one would hang as well.
        private bool IsOld(Lookup lookup) => lookup.Answer.IsCompleted && clock.GetElapsedTime(lookup.Asked) >= Kept;

        private sealed class Lookup(Func<TAnswer> ask, Turns turns, long asked)
        {
            private readonly TaskCompletionSource<TAnswer> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
            private volatile bool isBegun;

            public Task<TAnswer> Answer => answer.Task;

            public Turns Turns => turns;

            public long Asked => asked;

            public bool IsBegun => isBegun;

            public void Run()
            {
                isBegun = true;
                try
                {
                    answer.SetResult(ask());
                }
                catch (Exception e)
                {
                    answer.SetException(e);
                }
            }
        }
    }
}
