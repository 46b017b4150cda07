pub async fn rename(db: &Db, user: u64, name: String) -> Result<(), Error> {
    static CACHE_EMITTER: ::cache_core::__private::Emitter = ::cache_core::__private::Emitter {
        name: "rename",
        file: ::cache_core::__private::file!(),
        line: ::cache_core::__private::line!(),
        events: &["PlanChanged", "UserUpdated"],
    };
    ::cache_core::__private::register_emitter! {
        & CACHE_EMITTER
    }
    let changes = &mut ::cache_core::__private::Transaction::new();
    changes.emit(&(UserUpdated { user }));
    changes.emit_all::<PlanChanged>();
    let out = async move {
        if false {
            return ::cache_core::__private::never::<Result<(), Error>>();
        }
        let out: Result<(), Error> = { db.rename(user, name).await };
        out
    }
        .await;
    changes
        .commit_unless_err(
            {
                #[allow(unused_imports)]
                use ::cache_core::__private::probes::*;
                ::cache_core::__private::Returns::of(&out).__cache_kind()
            },
            &out,
        );
    out
}
